//! Stored bytes to decompressed bytes: plain, gzip, zstd, bzip2 or xz by their magic bytes, hashed on the way and
//! bounded.
//!
//! Not here: archives with several members, and what the bytes hold.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::rc::Rc;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;

use super::Limits;
use crate::record::RejectReason;

/// Why a row, a member or a whole input is no payload.
pub(super) type Trouble = (RejectReason, String);

/// How many bytes are looked at to tell a compression.
const MAGIC: usize = 10;

/// Memory that an xz stream may ask for.
const XZ_MEMORY: u64 = 256 << 20;

/// Why no more bytes come.
#[derive(Debug)]
pub(super) enum End {
    /// The input was read to its end.
    Complete,
    /// It is damaged here, or goes on for longer than is allowed.
    Broken(Trouble),
    /// The operating system could not read on.
    Failed(io::Error),
}

/// What is wrong with bytes that are read through several layers, as an error of the innermost.
#[derive(Debug)]
struct Torn(Trouble);

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0.1)
    }
}

impl std::error::Error for Torn {}

/// Trouble as an error of a reader.
pub(super) fn torn(trouble: Trouble) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Torn(trouble))
}

/// The trouble that an error carries, if it is one of [`torn`].
pub(super) fn trouble_in(error: &io::Error) -> Option<Trouble> {
    error.get_ref()?.downcast_ref::<Torn>().map(|torn| torn.0.clone())
}

/// What is said of damaged data of some format.
pub(super) fn damaged(format: &str) -> Trouble {
    (RejectReason::DamagedArchive, format!("the {format} data is damaged or cut off"))
}

/// What one input may unpack to, over all its layers and members.
#[derive(Debug)]
pub(super) struct Budget {
    floor: u64,
    ratio: u64,
    /// Bytes of the input itself, as far as read.
    stored: Cell<u64>,
    unpacked: Cell<u64>,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Rc<Self> {
        let Limits { bomb_floor_bytes: floor, bomb_ratio: ratio, .. } = *limits;
        Rc::new(Budget { floor, ratio, stored: Cell::new(0), unpacked: Cell::new(0) })
    }

    /// The input has at least this many bytes of its own.
    pub(super) fn stores(&self, bytes: u64) {
        self.stored.set(self.stored.get().max(bytes));
    }

    /// Bytes were unpacked.
    pub(super) fn spend(&self, bytes: usize) {
        self.unpacked.set(self.unpacked.get() + bytes as u64);
    }

    /// What is wrong once more was unpacked than is allowed.
    pub(super) fn overdrawn(&self) -> Option<Trouble> {
        let Budget { floor, ratio, .. } = self;
        let allowed = self.stored.get().saturating_mul(*ratio).max(*floor);
        (self.unpacked.get() > allowed).then(|| {
            let detail = format!("decompresses to more than {floor} bytes and more than {ratio} times its stored size");
            (RejectReason::DecompressionBomb, detail)
        })
    }
}

/// The bytes as stored, with their digest as far as read.
struct Stored<'r> {
    inner: Box<dyn Read + 'r>,
    hasher: blake3::Hasher,
    bytes: u64,
    failed: bool,
    /// Where these are the bytes of the input itself.
    budget: Option<Rc<Budget>>,
}

impl Read for Stored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.hasher.update(&buffer[..count]);
                    self.bytes += count as u64;
                    if let Some(budget) = &self.budget {
                        budget.stores(self.bytes);
                    }
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
type Raw<'r> = BufReader<Chain<Cursor<Vec<u8>>, Stored<'r>>>;

enum Decoder<'r> {
    Plain(Raw<'r>),
    Gzip(Box<MultiGzDecoder<Raw<'r>>>),
    Zstd(zstd::Decoder<'static, Raw<'r>>),
    Bzip2(Box<MultiBzDecoder<Raw<'r>>>),
    Xz(Box<XzDecoder<Raw<'r>>>),
}

/// The decompressed bytes of one input or member.
pub(super) struct Stream<'r> {
    decoder: Decoder<'r>,
    budget: Rc<Budget>,
}

impl<'r> Stream<'r> {
    /// The bytes of an input. Looks at the first of them to tell how it is compressed.
    pub(super) fn new(inner: Box<dyn Read + 'r>, budget: &Rc<Budget>) -> io::Result<Self> {
        Self::of(inner, Some(Rc::clone(budget)), budget)
    }

    /// The bytes of a member of an input.
    pub(super) fn member(inner: Box<dyn Read + 'r>, budget: &Rc<Budget>) -> io::Result<Self> {
        Self::of(inner, None, budget)
    }

    fn of(inner: Box<dyn Read + 'r>, counted: Option<Rc<Budget>>, budget: &Rc<Budget>) -> io::Result<Self> {
        let mut stored = Stored { inner, hasher: blake3::Hasher::new(), bytes: 0, failed: false, budget: counted };
        let mut magic = Vec::with_capacity(MAGIC);
        // What is wrong with a member so early is found again when it is read.
        let looked = stored.by_ref().take(MAGIC as u64).read_to_end(&mut magic);
        if let Err(error) = looked
            && trouble_in(&error).is_none()
        {
            return Err(error);
        }
        let compression = compression(&magic);
        let raw = BufReader::with_capacity(64 << 10, Cursor::new(magic).chain(stored));
        let decoder = match compression {
            Some(Compression::Gzip) => Decoder::Gzip(Box::new(MultiGzDecoder::new(raw))),
            Some(Compression::Zstd) => Decoder::Zstd(zstd::Decoder::with_buffer(raw)?),
            Some(Compression::Bzip2) => Decoder::Bzip2(Box::new(MultiBzDecoder::new(raw))),
            Some(Compression::Xz) => {
                let flags = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)?;
                Decoder::Xz(Box::new(XzDecoder::new_stream(raw, stream)))
            }
            None => Decoder::Plain(raw),
        };
        Ok(Stream { decoder, budget: Rc::clone(budget) })
    }

    /// Plain bytes from within an input, whose first bytes are known.
    pub(super) fn resumed(inner: Box<dyn Read + 'r>, hasher: blake3::Hasher, bytes: u64, budget: &Rc<Budget>) -> Self {
        let stored = Stored { inner, hasher, bytes, failed: false, budget: Some(Rc::clone(budget)) };
        let raw = BufReader::with_capacity(64 << 10, Cursor::new(Vec::new()).chain(stored));
        Stream { decoder: Decoder::Plain(raw), budget: Rc::clone(budget) }
    }

    /// Whether the bytes are as stored.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.decoder, Decoder::Plain(_))
    }

    /// Reads some bytes into the buffer, or says why there are none.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, End> {
        if !self.is_plain()
            && let Some(bomb) = self.budget.overdrawn()
        {
            return Err(End::Broken(bomb));
        }
        let (result, format) = match &mut self.decoder {
            Decoder::Plain(reader) => (reader.read(buffer), None),
            Decoder::Gzip(reader) => (reader.read(buffer), Some("gzip")),
            Decoder::Zstd(reader) => (reader.read(buffer), Some("zstd")),
            Decoder::Bzip2(reader) => (reader.read(buffer), Some("bzip2")),
            Decoder::Xz(reader) => (reader.read(buffer), Some("xz")),
        };
        match (result, format) {
            (Ok(0), _) => Err(End::Complete),
            (Ok(count), _) => {
                if format.is_some() {
                    self.budget.spend(count);
                }
                Ok(count)
            }
            (Err(error), format) => Err(match (trouble_in(&error), format) {
                (Some(trouble), _) => End::Broken(trouble),
                (None, Some(format)) if !self.source().failed => End::Broken(damaged(format)),
                (None, _) => End::Failed(error),
            }),
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

    fn source(&mut self) -> &mut Stored<'r> {
        let raw = match &mut self.decoder {
            Decoder::Plain(raw) => raw,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
            Decoder::Bzip2(decoder) => decoder.get_mut(),
            Decoder::Xz(decoder) => decoder.get_mut(),
        };
        raw.get_mut().get_mut().1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

/// How bytes that begin so are compressed.
fn compression(magic: &[u8]) -> Option<Compression> {
    // The skippable frame that parallel compressors begin with.
    let skippable = magic.len() >= 4 && magic[0] & 0xf0 == 0x50 && magic[1..4] == [0x2a, 0x4d, 0x18];
    // A block, or the end of a stream of none.
    let block = |magic: &[u8]| magic[4..].starts_with(b"1AY&SY") || magic[4..].starts_with(b"\x17rE8P\x90");
    match magic {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] if block(magic) => Some(Compression::Bzip2),
        _ => skippable.then_some(Compression::Zstd),
    }
}
