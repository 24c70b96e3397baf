// read_mailparser.js FILE...: each message as mailparser reads it, a line of JSON (the form stands in tests/interop/interop_test.py).
// NODE_PATH says where node_modules is.
'use strict';
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const { simpleParser } = require('mailparser');
const libmime = require('libmime'); // mailparser's own; it leaves fields that it does not know as they are

const people = field => (field ? field.value : []).filter(a => a.address).map(a => [a.name, a.address]);

async function read(file) {
  // It would put images into the HTML, and make HTML from text and text from HTML.
  const m = await simpleParser(fs.readFileSync(file), {
    keepCidLinks: true, skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true });
  const extra = m.headers.get('x-mailroom-test');
  return {
    file: path.basename(file), date: m.date ? m.date.getTime() / 1000 : null, subject: m.subject || null, message_id: m.messageId,
    in_reply_to: m.inReplyTo || null, references: [].concat(m.references || []).join(' '), x: extra === undefined ? null : libmime.decodeWords(extra),
    from: people(m.from), to: people(m.to), cc: people(m.cc), bcc: people(m.bcc), reply_to: people(m.replyTo),
    text: m.text === undefined ? null : m.text, html: m.html || null,
    attachments: m.attachments.map(a => ({
      name: a.filename, type: a.contentType, size: a.content.length, inline: a.contentDisposition === 'inline',
      sha256: crypto.createHash('sha256').update(a.content).digest('hex'), cid: a.cid || '' })),
  };
}

(async () => {
  for (const file of process.argv.slice(2)) console.log(JSON.stringify(await read(file)));
})();
