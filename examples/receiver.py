"""python3 receiver.py FOLDER PORT: stores each POST to /smile_id, /advance_ai or /jumio in FOLDER/<UTC day>.ndjson."""
import base64, datetime, http.server, json, os, sys


class Receiver(http.server.BaseHTTPRequestHandler):
    timeout = 30  # seconds for a sender that stalls

    def do_POST(self):
        provider, length = self.path.split("?")[0].strip("/"), int(self.headers.get("Content-Length", -1))
        if provider not in ("smile_id", "advance_ai", "jumio") or not 0 <= length <= 64 << 20:
            return self.send_error(400)
        raw, now = self.rfile.read(length), datetime.datetime.now(datetime.timezone.utc).isoformat()
        if len(raw) < length:
            return  # the sender hung up and will send it again
        row = {"received_at": now, "provider": provider, "remote_ip": self.client_address[0]}
        row["headers"] = dict(self.headers.items())
        try:
            row["body"] = raw.decode("utf-8")
        except UnicodeDecodeError:
            row |= {"isBase64Encoded": True, "body": base64.b64encode(raw).decode()}
        store(f"{sys.argv[1]}/{now[:10]}.ndjson", f"\n{json.dumps(row)}\n".encode())
        self.send_response(200)
        self.end_headers()


def store(path, line):
    with open(path, "ab", buffering=0, opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        if file.write(line) < len(line):
            raise OSError("the disk is full")
        os.fsync(file.fileno())


server = http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2])), Receiver)
print("listening on", server.server_port, flush=True)
server.serve_forever()
