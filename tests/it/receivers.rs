//! The receivers of `docs/ENVELOPE.md` lose nothing that was posted to them, and the page says what kycmart reads.
//!
//! A receiver whose interpreter is missing is skipped with a word; where `KYCMART_READERS_REQUIRED` is set that is a failure.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{folder, kycmart_in, query};

const V3: &str =
    r#"{ "status" : "clear","message":"caf\u00e9 é","product":"enhanced_kyc","completed_at":"2026-10-02T09:15:02Z"}"#;
const JUMIO: &str = "callBackType=NETVERIFYID&jumioIdScanReference=11111111-2222-3333-4444-555555555555\
                     &verificationStatus=APPROVED_VERIFIED&idScanStatus=SUCCESS&idCountry=KEN&idType=PASSPORT";
const NOT_TEXT: &[u8] = b"callBackType=\xff\xfeNETVERIFYID";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/ENVELOPE.md")).expect("docs/ENVELOPE.md")
}

/// The text of the page's first block of a language.
fn block(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("\n```{language}\n")).expect("a block of that language");
    rest.split_once("```\n").expect("its end").0.to_owned()
}

/// One of the two programs, listening; ends with its handle.
struct Receiver {
    program: Child,
    port: u16,
}

impl Receiver {
    /// Starts it, or says that its interpreter is missing.
    fn start(interpreter: &str, file: &str, store: &Path) -> Option<Self> {
        let script = repository().join("examples").join(file);
        let started = Command::new(interpreter)
            .arg(script)
            .arg(store)
            .arg("0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut program) = started else {
            assert!(std::env::var_os("KYCMART_READERS_REQUIRED").is_none(), "{file}: {interpreter} is missing");
            println!("{file}: skipped, {interpreter} is missing");
            return None;
        };
        let mut line = String::new();
        BufReader::new(program.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(' ').next().and_then(|port| port.parse().ok()).expect("listening on a port");
        Some(Receiver { program, port })
    }

    /// Posts a body; returns the status.
    fn post(&self, path: &str, headers: &[&str], body: &[u8]) -> String {
        let mut request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        headers.iter().for_each(|header| request += &format!("{header}\r\n"));
        request += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(body)).expect("it reads");
        let mut answer = Vec::new();
        // A refusal may come before the body was read, and then the connection breaks.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The only file of a store.
fn stored(store: &Path) -> PathBuf {
    let files: Vec<PathBuf> = std::fs::read_dir(store).expect("the store").map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty() && files.iter().all(|file| file.extension().is_some_and(|e| e == "ndjson")), "{files:?}");
    files.into_iter().max().expect("a file")
}

fn receives(interpreter: &str, file: &str) {
    let place = folder();
    let store = place.path().join("store");
    std::fs::create_dir(&store).expect("a folder");
    let Some(receiver) = Receiver::start(interpreter, file, &store) else { return };
    let headers =
        ["Job-ID: job_7", "User-ID: user_7", "Response-Signature: s", "Response-Timestamp: 2026-10-02T09:15:03Z"];
    assert_eq!(receiver.post("/smile_id", &headers, V3.as_bytes()), "200");
    assert_eq!(receiver.post("/jumio?secret=1", &[], JUMIO.as_bytes()), "200");
    assert_eq!(receiver.post("/jumio", &[], NOT_TEXT), "200");
    assert_eq!(receiver.post("/elsewhere", &[], V3.as_bytes()), "400");
    holds_what_was_sent(&stored(&store));

    kycmart_in(place.path(), &["ingest", "store", "--mart", "mart"]).expect(0);
    let select = "SELECT provider, kind, COALESCE(provider_job_id, '') AS job FROM observations ORDER BY provider";
    let seen: Vec<_> = query(place.path(), "mart", select).into_iter().map(|row| row["job"].clone()).collect();
    assert_eq!(seen, ["11111111-2222-3333-4444-555555555555", "job_7"]);
    let select = "SELECT provider, sender_address, signature_class, payload_bytes FROM receipts";
    let receipts: BTreeSet<_> = query(place.path(), "mart", select)
        .into_iter()
        .map(|row| row.into_values().collect::<Vec<_>>().join(" "))
        .collect();
    let bytes = [JUMIO.len(), NOT_TEXT.len(), V3.len()];
    let expected = [
        format!("{} jumio 127.0.0.1 absent", bytes[0]),
        format!("{} jumio 127.0.0.1 absent", bytes[1]),
        format!("{} smile_id 127.0.0.1 header_only_scheme", bytes[2]),
    ];
    assert_eq!(receipts, BTreeSet::from(expected));
    let rejects = query(place.path(), "mart", "SELECT provider, reason FROM rejects");
    assert_eq!(
        (rejects.len(), rejects[0]["reason"].as_str(), rejects[0]["provider"].as_str()),
        (1, "not_utf8", "jumio")
    );
}

/// The digests of the bodies are those of the bytes that were sent.
fn holds_what_was_sent(file: &Path) {
    let options = kycmart::source::Options::default();
    let mut bodies = Vec::new();
    let mut take = |item: kycmart::source::Item<'_>| {
        let kycmart::source::Item::Payload(payload) = item else { panic!("{item:?}") };
        bodies.push(payload.body.into_owned());
        std::ops::ControlFlow::Continue(())
    };
    kycmart::source::read_input(&kycmart::source::Input::file(file), &options, &mut take).expect("it reads");
    assert!(bodies == [V3.as_bytes(), JUMIO.as_bytes(), NOT_TEXT]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file).expect("the file").permissions().mode() & 0o777, 0o600);
    }
}

/// Many large bodies at the same time, behind a line that a crash cut off: every one is a line of its own.
fn receives_at_the_same_time(interpreter: &str, file: &str) {
    const SENDERS: usize = 12;
    let place = folder();
    let Some(receiver) = Receiver::start(interpreter, file, place.path()) else { return };
    assert_eq!(receiver.post("/jumio", &[], b"first=1"), "200");
    let path = stored(place.path());
    let mut log = std::fs::OpenOptions::new().append(true).open(&path).expect("the file");
    log.write_all(b"{\"received_at\":\"2026-10-02T09:15:04Z\",\"body\":\"cut").expect("a cut line");
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let receiver = &receiver;
            scope.spawn(move || {
                for turn in 0..5 {
                    let body = format!("sender={sender}&turn={turn}&filling={}", "x".repeat(300_000));
                    assert_eq!(receiver.post("/jumio", &[], body.as_bytes()), "200");
                }
            });
        }
    });
    let text = std::fs::read_to_string(stored(place.path())).expect("text");
    let whole = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        row["body"].as_str().filter(|body| body.len() > 300_000).map(|body| body[..20].to_owned())
    };
    assert_eq!(text.lines().filter_map(whole).collect::<BTreeSet<_>>().len(), SENDERS * 5);
    let cut = text.lines().filter(|line| !line.is_empty() && serde_json::from_str::<serde_json::Value>(line).is_err());
    assert_eq!(cut.count(), 1);
}

#[test]
fn the_python_receiver_stores_what_it_is_sent() {
    receives("python3", "receiver.py");
}

#[test]
fn the_node_receiver_stores_what_it_is_sent() {
    receives("node", "receiver.mjs");
}

#[test]
fn the_python_receiver_keeps_requests_at_the_same_time_apart() {
    receives_at_the_same_time("python3", "receiver.py");
}

#[test]
fn the_node_receiver_keeps_requests_at_the_same_time_apart() {
    receives_at_the_same_time("node", "receiver.mjs");
}

#[test]
fn the_page_shows_the_receivers_word_for_word() {
    for (language, file) in [("python", "receiver.py"), ("js", "receiver.mjs")] {
        let program = std::fs::read_to_string(repository().join("examples").join(file)).expect("the program");
        assert!(block(&page(), language) == program, "docs/ENVELOPE.md does not show examples/{file} as it is");
    }
}

#[test]
fn the_examples_of_the_page_are_read_as_it_says() {
    let place = folder();
    std::fs::write(place.path().join("day.ndjson"), block(&page(), "json")).expect("a file");
    kycmart_in(place.path(), &["ingest", "day.ndjson", "--mart", "mart"]).expect(0);
    let rows = |select: &str| -> Vec<String> {
        let rows = query(place.path(), "mart", select);
        rows.into_iter().map(|row| row.into_values().collect::<Vec<_>>().join(" ")).collect()
    };
    let observations = "SELECT kind AS a, provider_job_id AS b, result_code AS c FROM observations ORDER BY provider";
    let seen = [
        "get_result sig-01 PASS",
        "callback 11111111-2222-3333-4444-555555555555 APPROVED_VERIFIED",
        "v3_callback job_01 clear",
    ];
    assert_eq!(rows(observations), seen);
    assert_eq!(rows("SELECT country AS a, id_type AS b, status AS c FROM authority_status"), ["NG BVN online"]);
    assert_eq!(rows("SELECT provider AS a, reason AS b FROM rejects"), ["jumio not_utf8"]);
    let addresses = rows("SELECT DISTINCT sender_address AS a FROM receipts WHERE provider = 'jumio'");
    assert_eq!(addresses, ["192.0.2.20"]);
}

#[test]
fn the_names_that_the_page_maps_are_read() {
    let place = folder();
    std::fs::create_dir_all(place.path().join("payloads/old_system")).expect("folders");
    let toml = format!("mart = \"mart\"\n{}\n[[sources]]\npath = \"new.ndjson\"\n", block(&page(), "toml"));
    std::fs::write(place.path().join("kycmart.toml"), toml).expect("a file");
    let row = |body: &str, reference: &str| {
        let form = JUMIO.replace("11111111", reference);
        format!(
            "{{\"created_on\":\"2026-10-02T09:15:04Z\",\"client\":\"192.0.2.1\",\"http_headers\":{{}},\"{body}\":\"{form}\"}}\n"
        )
    };
    std::fs::write(place.path().join("new.ndjson"), row("raw_callback", "aaaaaaaa")).expect("a file");
    std::fs::write(place.path().join("payloads/old_system/a.ndjson"), row("callback_json", "bbbbbbbb"))
        .expect("a file");
    kycmart_in(place.path(), &["nightly", "--out", "out"]).expect(0);
    let select = "SELECT COUNT(*) AS n FROM receipts WHERE sender_address = '192.0.2.1' AND received_at IS NOT NULL AND observations = 1";
    assert_eq!(query(place.path(), "mart", select)[0]["n"], "2");
}

#[test]
fn half_a_line_is_a_payload_when_the_rest_is_there() {
    let place = folder();
    let line = format!("{{\"remote_ip\":\"192.0.2.1\",\"body\":\"{JUMIO}\"}}\n");
    let observed = |text: &str| {
        std::fs::write(place.path().join("day.ndjson"), text).expect("a file");
        kycmart_in(place.path(), &["ingest", "day.ndjson", "--mart", "mart"]).expect(0);
        query(place.path(), "mart", "SELECT COUNT(*) AS n FROM observations")[0]["n"].clone()
    };
    assert_eq!(observed(&line[..40]), "0");
    assert_eq!(observed(&line), "1");
}
