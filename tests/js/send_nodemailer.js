// nodemailer's pool: N messages of text and HTML, composed each. Prints what it took as JSON.
//   send_nodemailer.js HOST PORT COUNT CONNECTIONS [CA_FILE USER]     with the last two: TLS and AUTH, the password in MAILROOM_BENCH_PASSWORD
//
// nodemailer leaves Nagle's algorithm on: over loopback each message then waits 40 ms for a delayed acknowledgement, which measures
// the kernel's timer and not nodemailer. So its sockets get TCP_NODELAY here; MAILROOM_BENCH_AS_SHIPPED=1 leaves them alone.
const fs = require("fs");
const net = require("net");
const nodemailer = require("nodemailer");

const [host, port, count, connections, ca, user] = process.argv.slice(2);
const words = "The quick brown fox jumps over the lazy dog near the river bank. ";

function undelayed(options, done) {
  const socket = net.connect({ host: options.host, port: options.port, noDelay: true });
  socket.once("error", done);
  socket.once("connect", () => {
    socket.removeListener("error", done);
    done(null, { connection: socket });
  });
}

const transport = nodemailer.createTransport({
  host,
  port: Number(port),
  secure: Boolean(ca),
  ignoreTLS: !ca,
  tls: ca ? { ca: fs.readFileSync(ca) } : undefined,
  auth: user ? { user, pass: process.env.MAILROOM_BENCH_PASSWORD } : undefined,
  getSocket: process.env.MAILROOM_BENCH_AS_SHIPPED ? undefined : undelayed,
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
});

async function main() {
  const begin = process.hrtime.bigint();
  const before = process.cpuUsage();
  const sent = [];
  for (let n = 0; n < Number(count); n++)
    sent.push(
      transport.sendMail({
        from: '"Größe & Co" <quotes@rig.test>',
        to: '"Reader" <reader@rig.test>',
        subject: `Quotation ${n} for Zürich`,
        text: `Dear reader ${n},\n\n` + `${words}\n`.repeat(8),
        html: `<p>Dear <b>reader ${n}</b>,</p>` + `<p>${words}</p>\n`.repeat(8),
      }),
    );
  const results = await Promise.all(sent);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  const cpu = process.cpuUsage(before);
  transport.close();
  const delivered = results.filter((r) => r.accepted.length === 1).length;
  console.log(JSON.stringify({ delivered, seconds, cpu_seconds: (cpu.user + cpu.system) / 1e6 }));
}

main().catch((e) => {
  console.error(e.message);
  process.exit(1);
});
