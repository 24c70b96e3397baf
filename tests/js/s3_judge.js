// An S3 server for tests that refuses what a real one refuses.
//
//   node s3_judge.js '{"dir", "bucket", "access_key", "secret_key", "region", "cert", "key", "log", "fail"}'
//
// s3rver keeps the objects, but lets every SigV4 signature through. So this stands in front of it: every request's signature is computed
// anew by aws4 (an implementation that is not ours) and compared, bodies are compared with their signed hash, expiry and clock are looked at,
// and what s3rver lacks (ListParts, AbortMultipartUpload) is answered from its files. Prints {"port"} once it listens. Each request becomes
// a line of JSON in the file `log`. `fail`: so many part uploads are first answered with 503 SlowDown.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const aws4 = require('aws4');
const S3rver = require('s3rver');

const options = JSON.parse(process.argv[2]);
const { dir, bucket, access_key, secret_key, region } = options;
const uploads = id => path.join(dir, bucket, '._S3rver_uploads', path.basename(id));
let failures = options.fail || 0;

class Refusal extends Error {
  constructor(status, code, message) {
    super(message || code);
    this.status = status;
    this.code = code;
  }
}

const credentials = { accessKeyId: access_key, secretAccessKey: secret_key };
const stampToMs = s => Date.parse(s.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
const same = (a, b) => a.length === b.length && crypto.timingSafeEqual(Buffer.from(a), Buffer.from(b));

function checkScope(scope) {
  const [key, , where, service] = scope.split('/');
  if (key !== access_key) throw new Refusal(403, 'InvalidAccessKeyId');
  if (where !== region || service !== 's3') throw new Refusal(400, 'AuthorizationHeaderMalformed', 'the region is wrong; expecting ' + region);
}

function checkHeader(req) {
  const parts = Object.fromEntries(
    req.headers.authorization.replace(/^AWS4-HMAC-SHA256 /, '').split(',').map(p => p.trim().split(/=(.*)/s).slice(0, 2)),
  );
  checkScope(parts.Credential);
  if (Math.abs(Date.now() - stampToMs(req.headers['x-amz-date'])) > 15 * 60e3) throw new Refusal(403, 'RequestTimeTooSkewed');
  const names = parts.SignedHeaders.split(';');
  for (const must of ['host', 'x-amz-date', 'x-amz-content-sha256'])
    if (!names.includes(must)) throw new Refusal(403, 'AccessDenied', must + ' is not signed');
  const headers = Object.fromEntries(names.map(n => [n, req.headers[n]]));
  const wanted = aws4.sign({ service: 's3', region, method: req.method, path: req.url, host: req.headers.host, headers }, credentials);
  if (!same(wanted.headers.Authorization, req.headers.authorization.replace(/,\s*/g, ', '))) throw new Refusal(403, 'SignatureDoesNotMatch');
}

function checkQuery(req, query) {
  checkScope(query.get('X-Amz-Credential') || '');
  const begins = stampToMs(query.get('X-Amz-Date'));
  const lives = Number(query.get('X-Amz-Expires'));
  if (!(lives >= 1 && lives <= 604800)) throw new Refusal(400, 'AuthorizationQueryParametersError');
  if (Date.now() > begins + lives * 1000) throw new Refusal(403, 'AccessDenied', 'Request has expired');
  const given = query.get('X-Amz-Signature') || '';
  const unsigned = req.url.replace(/&X-Amz-Signature=[^&]*/, '');
  const signed = aws4.sign(
    { service: 's3', region, method: req.method, path: unsigned, host: req.headers.host, headers: { Host: req.headers.host }, signQuery: true },
    credentials,
  );
  const wanted = new URL(signed.path, 'http://x').searchParams.get('X-Amz-Signature');
  if (!same(wanted, given)) throw new Refusal(403, 'SignatureDoesNotMatch');
}

function check(req) {
  const query = new URL(req.url, 'http://x').searchParams;
  if (query.has('X-Amz-Algorithm')) return checkQuery(req, query);
  if (!(req.headers.authorization || '').startsWith('AWS4-HMAC-SHA256 ')) throw new Refusal(403, 'AccessDenied');
  checkHeader(req);
}

const escape = s => String(s).replace(/[<>&"]/g, c => `&#${c.charCodeAt(0)};`);

function answer(res, status, body) {
  res.writeHead(status, { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
}

function listParts(res, id, after) {
  const folder = uploads(id);
  if (!fs.existsSync(folder)) throw new Refusal(404, 'NoSuchUpload');
  const numbers = fs.readdirSync(folder).filter(n => /^\d+$/.test(n) && fs.existsSync(path.join(folder, n + '.md5'))).map(Number);
  const left = numbers.filter(n => n > after).sort((a, b) => a - b);
  const page = left.slice(0, 10); // small, so that paging is always tried
  const rows = page.map(n => {
    const etag = fs.readFileSync(path.join(folder, n + '.md5'), 'utf8');
    return `<Part><PartNumber>${n}</PartNumber><ETag>&quot;${etag}&quot;</ETag><Size>${fs.statSync(path.join(folder, String(n))).size}</Size></Part>`;
  });
  const more = left.length > page.length;
  answer(res, 200, `<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
    `<UploadId>${escape(id)}</UploadId><IsTruncated>${more}</IsTruncated>` +
    (more ? `<NextPartNumberMarker>${page[page.length - 1]}</NextPartNumberMarker>` : '') + rows.join('') + '</ListPartsResult>');
}

function own(req, res, query) {
  const id = query.get('uploadId');
  if (!id) return false;
  if (req.method === 'GET') {
    listParts(res, id, Number(query.get('part-number-marker') || 0));
    return true;
  }
  if (req.method === 'DELETE') {
    if (!fs.existsSync(uploads(id))) throw new Refusal(404, 'NoSuchUpload');
    fs.rmSync(uploads(id), { recursive: true });
    res.writeHead(204);
    res.end();
    return true;
  }
  if (!fs.existsSync(uploads(id))) throw new Refusal(404, 'NoSuchUpload');
  if (query.has('partNumber') && failures > 0) {
    failures -= 1;
    throw new Refusal(503, 'SlowDown');
  }
  return false;
}

async function main() {
  // Its own check of V4 knows one fixed key; it sees none, as all has been checked.
  const inner = new S3rver({ port: 0, address: '127.0.0.1', directory: dir, silent: true, configureBuckets: [{ name: bucket }] });
  const { port: innerPort } = await inner.run();

  const forward = (req, res, body) => {
    const url = new URL(req.url, 'http://x');
    const name = url.searchParams.get('response-content-disposition');
    for (const k of [...url.searchParams.keys()]) if (/^(x-amz-|response-)/i.test(k)) url.searchParams.delete(k);
    const headers = { host: `127.0.0.1:${innerPort}` };
    for (const k of ['content-type', 'range']) if (req.headers[k]) headers[k] = req.headers[k];
    if (body.length || req.method === 'PUT' || req.method === 'POST') headers['content-length'] = body.length;
    const search = url.search.replace(/=(?=&|$)/g, '');
    const up = http.request({ port: innerPort, host: '127.0.0.1', method: req.method, path: url.pathname + search, headers }, r => {
      const out = { ...r.headers };
      if (name) out['content-disposition'] = name;
      res.writeHead(r.statusCode, out);
      r.pipe(res);
    });
    up.on('error', () => res.destroy());
    up.end(body);
  };

  const refuse = (req, res, e) => {
    if (!(e instanceof Refusal)) e = new Refusal(500, 'InternalError', String(e.stack));
    const body = req.method === 'HEAD' ? '' : `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${e.code}</Code><Message>${escape(e.message)}</Message></Error>`;
    answer(res, e.status, body);
  };

  const handle = (req, res) => {
    const query = new URL(req.url, 'http://x').searchParams;
    const row = { method: req.method, url: req.url, bytes: 0, whole: false, status: 0, part: Number(query.get('partNumber') || 0) };
    const note = () => options.log && fs.appendFileSync(options.log, JSON.stringify(row) + '\n');
    res.on('finish', () => { row.status = res.statusCode; note(); });
    res.on('close', () => { if (!res.writableFinished) note(); });
    try {
      check(req);
      if (own(req, res, query)) return;
    } catch (e) {
      return refuse(req, res, e);
    }
    if (req.headers.expect) res.writeContinue();
    const chunks = [];
    req.on('data', c => { row.bytes += c.length; chunks.push(c); });
    req.on('end', () => {
      row.whole = true;
      const body = Buffer.concat(chunks);
      const declared = req.headers['x-amz-content-sha256'];
      if (declared && declared !== 'UNSIGNED-PAYLOAD' && crypto.createHash('sha256').update(body).digest('hex') !== declared)
        return refuse(req, res, new Refusal(400, 'XAmzContentSHA256Mismatch'));
      forward(req, res, body);
    });
  };
  const server = options.cert
    ? https.createServer({ cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key) }, handle)
    : http.createServer(handle);
  server.on('checkContinue', handle);
  server.listen(options.port || 0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
}

main();
