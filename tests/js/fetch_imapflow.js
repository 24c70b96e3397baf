// Fetches a whole mailbox with imapflow. Prints what it took as JSON, as fetch_bench does.
//   fetch_imapflow.js raw|postal-mime|mailparser HOST PORT CA_FILE USER MAILBOX    the password in MAILROOM_BENCH_PASSWORD
//
// raw counts the bytes; the others parse each message and write it as JSON (headers, text, HTML, the attachments' names, types and decoded sizes).
'use strict';
const fs = require('fs');
const { ImapFlow } = require('imapflow');

const [mode, host, port, ca, user, mailbox] = process.argv.slice(2);
const attachments = list => list.map(a => ({ filename: a.filename, type: a.mimeType || a.contentType, size: (a.content.byteLength ?? a.content.length) }));

async function parser() {
  if (mode === 'postal-mime') {
    const PostalMime = require('postal-mime');
    const Parser = PostalMime.default || PostalMime;
    return async source => {
      const m = await Parser.parse(source);
      return JSON.stringify({ headers: m.headers, from: m.from, to: m.to, subject: m.subject, date: m.date, text: m.text, html: m.html, attachments: attachments(m.attachments) });
    };
  }
  if (mode === 'mailparser') {
    const { simpleParser } = require('mailparser');
    // Without what it would make up: text from HTML, HTML from text, links in text.
    const options = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true };
    return async source => {
      const m = await simpleParser(source, options);
      return JSON.stringify({ headers: [...m.headers], text: m.text, html: m.html, attachments: attachments(m.attachments) });
    };
  }
  return null;
}

(async () => {
  const parse = await parser();
  const client = new ImapFlow({ host, port: Number(port), secure: true, tls: { ca: fs.readFileSync(ca) }, logger: false,
    auth: { user, pass: process.env.MAILROOM_BENCH_PASSWORD } });
  await client.connect();
  await client.mailboxOpen(mailbox, { readOnly: true });
  const before = process.cpuUsage(), begin = process.hrtime.bigint();
  let messages = 0, bytes = 0, made = 0;
  for await (const message of client.fetch('1:*', { source: true }, { uid: true })) {
    ++messages;
    bytes += message.source.length;
    if (parse) made += (await parse(message.source)).length;
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9, cpu = process.cpuUsage(before);
  console.log(JSON.stringify({ messages, bytes, made, seconds, cpu_seconds: (cpu.user + cpu.system) / 1e6, 
    rss_kb: Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) })); // not maxRSS, which begins with the parent's
  await client.logout();
})().catch(error => {
  console.error(String(error));
  process.exit(1);
});
