// An agent made with the MCP SDK's own client, speaking over its standard streams: the host is the server at the other end.
//   mcp_agent.js sdk1|sdk2    searches the subject that its input names, and finishes with what it found
//
// sdk1 is the SDK's first line (revisions up to 2025-11-25), sdk2 its second, which finds out that the host knows 2026-07-28.
'use strict';
const second = process.argv[2] === 'sdk2';
const { Client } = require(second ? '@modelcontextprotocol/client' : '@modelcontextprotocol/sdk/client/index.js');
const { ReadBuffer, serializeMessage } = require(second ? '@modelcontextprotocol/client' : '@modelcontextprotocol/sdk/shared/stdio.js');

// The SDK's stdio client starts its server; here the server has started the client.
class OwnStreams {
  async start() {
    const buffer = new ReadBuffer();
    process.stdin.on('data', chunk => {
      buffer.append(chunk);
      for (;;) {
        try {
          const message = buffer.readMessage();
          if (message === null) return;
          this.onmessage?.(message);
        } catch (error) {
          this.onerror?.(error);
        }
      }
    });
    process.stdin.on('end', () => this.onclose?.());
  }

  send(message) {
    return new Promise((resolve, reject) => process.stdout.write(serializeMessage(message), error => (error ? reject(error) : resolve())));
  }

  async close() {
    process.stdin.destroy();
    this.onclose?.();
  }
}

async function main() {
  const client = new Client({ name: 'mailroom-tests', version: '1.0.0' }, { capabilities: {}, versionNegotiation: { mode: 'auto' } });
  client.onerror = error => { console.error(String(error)); process.exitCode = 1; };
  await client.connect(new OwnStreams());
  if (!second) await client.ping(); // which 2026-07-28 has no more
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools(cursor ? { cursor } : {}); // caches the output schemas that callTool checks
    tools.push(...page.tools.map(tool => tool.name));
    cursor = page.nextCursor;
  } while (cursor);
  const { resources } = await client.listResources();
  const { contents } = await client.readResource({ uri: resources[0].uri });
  const input = JSON.parse(contents[0].text);
  const found = await client.callTool({ name: 'email_search', arguments: { mailbox: 'INBOX', subject: input.inputs.subject } });
  const wrong = await client.callTool({ name: 'email_search', arguments: { mailbox: 7 } });
  const revision = second ? client.getNegotiatedProtocolVersion() : 'with a handshake';
  const output_text = JSON.stringify({ server: client.getServerVersion(), revision, tools, subject: input.inputs.subject, found: found.structuredContent, content: found.content.length, wrong: wrong.isError });
  await client.callTool({ name: 'session_finish', arguments: { output_text, tokens: 42 } });
  await client.close();
}

main().catch(error => { console.error(error.stack); process.exit(1); });
