//! Inputs of every format and sort, read from memory or from files.

mod formats;
mod grown;
mod hostile;
mod properties;

use std::io::{Cursor, Write};

use super::*;

/// What a test keeps of an item.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // a handful in each test
enum Seen {
    Body { body: Vec<u8>, envelope: Envelope, offset: u64 },
    Broken { reason: RejectReason, bytes: u64, offset: u64, digest: [u8; 32] },
}

/// A source of bytes that comes in pieces.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    piece: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.piece);
        self.bytes.read(&mut buffer[..length])
    }
}

fn read_named(name: &str, bytes: &[u8], piece: usize, options: &Options) -> (Vec<Seen>, InputSummary) {
    let mut seen = Vec::new();
    let stored = Box::new(Trickle { bytes: Cursor::new(bytes.to_vec()), piece });
    let summary = read_stream(stored, None, &Input::file(name), options, &mut |chunk| {
        assert!(!chunk.is_empty() && chunk.len() <= options.limits.chunk_rows + 1);
        for item in chunk.items() {
            let (index, item) = match item {
                Item::Payload(Payload { body, envelope, offset, index, .. }) => {
                    (index, Seen::Body { body: body.into_owned(), envelope, offset })
                }
                Item::Broken(Broken { reason, detail, digest, bytes, offset, index, .. }) => {
                    assert!(!detail.is_empty() && detail.len() <= 300);
                    (index, Seen::Broken { reason, bytes, offset, digest })
                }
            };
            assert_eq!(index, seen.len() as u64, "indices count up from 0");
            seen.push(item);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(summary.payloads, seen.len() as u64);
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.digest, blake3::hash(bytes).to_hex().to_string());
    (seen, summary)
}

fn read(name: &str, text: impl AsRef<[u8]>) -> (Vec<Seen>, &'static str) {
    let (seen, summary) = read_named(name, text.as_ref(), usize::MAX, &Options::default());
    (seen, summary.format)
}

fn small() -> Options {
    let limits =
        Limits { max_payload_bytes: 64, bomb_floor_bytes: 100_000, bomb_ratio: 20, chunk_bytes: 100, chunk_rows: 3 };
    Options { limits, ..Options::default() }
}

fn body(body: impl AsRef<[u8]>, offset: u64) -> Seen {
    Seen::Body { body: body.as_ref().to_vec(), envelope: Envelope::default(), offset }
}

fn broken(reason: RejectReason, part: impl AsRef<[u8]>, offset: u64) -> Seen {
    let digest = *blake3::hash(part.as_ref()).as_bytes();
    Seen::Broken { reason, bytes: part.as_ref().len() as u64, offset, digest }
}

fn bodies(seen: &[Seen]) -> Vec<&str> {
    let text = |seen: &Seen| -> Option<&str> {
        match seen {
            Seen::Body { body, .. } => Some(std::str::from_utf8(body).unwrap().to_owned().leak()),
            Seen::Broken { .. } => None,
        }
    };
    seen.iter().filter_map(text).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn files_are_read_with_the_time_they_were_written_only_if_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ndjson");
    std::fs::write(&path, "{\"a\":1}\n{\"received_at\":\"2026-01-02T03:04:05Z\",\"body\":{}}\n").unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    for (trust_mtime, first) in [(false, None), (true, Some(Micros(1_700_000_000_000_000)))] {
        let mut times = Vec::new();
        let options = Options { trust_mtime, ..Options::default() };
        let summary = read_input(&Input::file(&path), &options, &mut |item| {
            let Item::Payload(payload) = item else { panic!() };
            times.push(payload.envelope.received_at);
            ControlFlow::Continue(())
        });
        assert_eq!(summary.unwrap().payloads, 2);
        assert_eq!(times, [first, Some(Micros(1_767_323_045_000_000))]);
    }
}

#[test]
fn a_caller_who_has_enough_still_gets_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ndjson");
    let text = "{\"a\":1}\n".repeat(100_000);
    std::fs::write(&path, &text).unwrap();
    let mut count = 0;
    let summary = read_input(&Input::file(&path), &Options::default(), &mut |_| {
        count += 1;
        if count == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!((count, summary.digest), (5, blake3::hash(text.as_bytes()).to_hex().to_string()));
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("gone.json"), dir.path().to_path_buf()] {
        let error =
            read_chunks(&Input::file(&path), &Options::default(), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
}
