//! Stored bytes to decompressed bytes: plain, gzip or zstd by their magic bytes, hashed on the way and bounded.
//!
//! Not here: archives with several members, and what the bytes hold.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::Limits;

/// Why no more bytes come.
#[derive(Debug)]
pub(super) enum End {
    /// The input was read to its end.
    Complete,
    /// It decompresses to more than is allowed.
    Bomb,
    /// The compressed data breaks here; the word is its format.
    Damaged(&'static str),
    /// The operating system could not read on.
    Failed(io::Error),
}

/// The bytes as stored, with their digest as far as read.
struct Stored {
    inner: Box<dyn Read>,
    hasher: blake3::Hasher,
    bytes: u64,
    failed: bool,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.hasher.update(&buffer[..count]);
                    self.bytes += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}

/// The stored bytes, with the first few put back after the look at the magic bytes.
type Raw = BufReader<Chain<Cursor<Vec<u8>>, Stored>>;

enum Decoder {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<Raw>>),
    Zstd(zstd::Decoder<'static, Raw>),
}

/// The decompressed bytes of one input.
pub(super) struct Stream {
    decoder: Decoder,
    produced: u64,
    bomb_floor: u64,
    bomb_ratio: u64,
}

impl Stream {
    /// Looks at the first bytes to tell how the input is compressed.
    pub(super) fn new(inner: Box<dyn Read>, limits: &Limits) -> io::Result<Self> {
        let mut stored = Stored { inner, hasher: blake3::Hasher::new(), bytes: 0, failed: false };
        let mut magic = Vec::with_capacity(4);
        stored.by_ref().take(4).read_to_end(&mut magic)?;
        let gzip = magic.starts_with(&[0x1f, 0x8b]);
        // A frame, or the skippable frame that parallel compressors begin with.
        let zstd = magic == [0x28, 0xb5, 0x2f, 0xfd]
            || (magic.len() == 4 && magic[0] & 0xf0 == 0x50 && magic[1..] == [0x2a, 0x4d, 0x18]);
        let raw = BufReader::with_capacity(64 << 10, Cursor::new(magic).chain(stored));
        let decoder = if gzip {
            Decoder::Gzip(Box::new(MultiGzDecoder::new(raw)))
        } else if zstd {
            Decoder::Zstd(zstd::Decoder::with_buffer(raw)?)
        } else {
            Decoder::Plain(raw)
        };
        Ok(Stream { decoder, produced: 0, bomb_floor: limits.bomb_floor_bytes, bomb_ratio: limits.bomb_ratio })
    }

    /// Plain bytes from within an input, whose first bytes are known.
    pub(super) fn resumed(inner: Box<dyn Read>, hasher: blake3::Hasher, bytes: u64, limits: &Limits) -> Self {
        let stored = Stored { inner, hasher, bytes, failed: false };
        let raw = BufReader::with_capacity(64 << 10, Cursor::new(Vec::new()).chain(stored));
        Stream {
            decoder: Decoder::Plain(raw),
            produced: bytes,
            bomb_floor: limits.bomb_floor_bytes,
            bomb_ratio: limits.bomb_ratio,
        }
    }

    /// Whether the bytes are as stored.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.decoder, Decoder::Plain(_))
    }

    /// Reads some bytes into the buffer, or says why there are none.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, End> {
        let allowed = self.bomb_floor.max(self.bomb_ratio.saturating_mul(self.source().bytes));
        let (result, format) = match &mut self.decoder {
            Decoder::Plain(reader) => (reader.read(buffer), None),
            Decoder::Gzip(_) | Decoder::Zstd(_) if self.produced > allowed => return Err(End::Bomb),
            Decoder::Gzip(reader) => (reader.read(buffer), Some("gzip")),
            Decoder::Zstd(reader) => (reader.read(buffer), Some("zstd")),
        };
        match (result, format) {
            (Ok(0), _) => Err(End::Complete),
            (Ok(count), _) => {
                self.produced += count as u64;
                Ok(count)
            }
            (Err(_), Some(format)) if !self.source().failed => Err(End::Damaged(format)),
            (Err(error), _) => Err(End::Failed(error)),
        }
    }

    /// Reads the stored bytes to their end, for the digest alone.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        io::copy(self.source(), &mut io::sink()).map(|_| ())
    }

    /// Digest (hexadecimal) and number of the stored bytes read so far.
    pub(super) fn stored(&mut self) -> (String, u64) {
        let source = self.source();
        (source.hasher.finalize().to_hex().to_string(), source.bytes)
    }

    fn source(&mut self) -> &mut Stored {
        let raw = match &mut self.decoder {
            Decoder::Plain(raw) => raw,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
        };
        raw.get_mut().get_mut().1
    }
}
