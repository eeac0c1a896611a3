// node receiver.mjs FOLDER PORT: stores each POST to /smile_id, /advance_ai or /jumio in FOLDER/<UTC day>.ndjson.
// Node 20.10 or newer, for `flush`.
import { isUtf8 } from "node:buffer";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";

const [folder, port] = process.argv.slice(2);

async function store(request) {
  const provider = request.url.split("?")[0].replace(/^\/+|\/+$/g, "");
  const length = Number(request.headers["content-length"] ?? -1);
  const known = request.method === "POST" && ["smile_id", "advance_ai", "jumio"].includes(provider);
  if (!known || !(length >= 0 && length <= 64 << 20)) return 400;
  const raw = Buffer.concat(await request.toArray());
  const row = { received_at: new Date().toISOString(), provider, remote_ip: request.socket.remoteAddress };
  row.headers = request.headers;
  Object.assign(row, isUtf8(raw) ? { body: raw.toString() } : { isBase64Encoded: true, body: raw.toString("base64") });
  const path = `${folder}/${row.received_at.slice(0, 10)}.ndjson`;
  appendFileSync(path, `\n${JSON.stringify(row)}\n`, { mode: 0o600, flush: true });
  return 200;
}

const server = createServer(async (request, response) => {
  response.writeHead(await store(request).catch(() => 500)).end();
});
server.listen(Number(port), "0.0.0.0", () => console.log("listening on", server.address().port));
