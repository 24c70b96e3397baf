// oauth_browser.js URL ACCOUNT CHROMIUM: a person signs in with Chromium; prints the address that the browser ends at. NODE_PATH says where
// node_modules is. Any certificate will do: the rig's authority is not the browser's.
'use strict';
const { chromium } = require('playwright-core');

(async () => {
  const [, , url, account, executablePath] = process.argv;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(url);
  await page.fill('input[name=account]', account);
  await Promise.all([page.waitForURL(/^http:/), page.click('button[value=yes]')]);
  // Without its query, which holds the code.
  console.log(new URL(page.url()).origin);
  await browser.close();
})();
