//! A Parquet file whose gzip and brotli pages are measured before the crate decompresses them, for it does that to
//! their end, however far that is. The other codecs stop at the size that the header of a page states.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::thrift;

/// Largest page.
const LARGEST_PAGE: u64 = 1 << 30;
/// Bytes that gzip makes of one at most.
const GZIP_RATIO: u64 = 1032;
/// Largest header of a page that is looked into.
const HEADER: usize = 64 << 10;
/// In place of a number of bytes that is not known.
const UNKNOWN: u64 = u64::MAX;

pub(super) struct Measured {
    file: Arc<File>,
    codec: Compression,
    /// Bytes before the compressed part of the page whose header was read last.
    before: AtomicU64,
}

impl Measured {
    pub(super) fn new(file: Arc<File>, codec: Compression) -> Self {
        Measured { file, codec, before: AtomicU64::new(UNKNOWN) }
    }

    fn is_unbounded(&self) -> bool {
        matches!(self.codec, Compression::GZIP(_) | Compression::BROTLI(_))
    }

    /// Whether a page stays below the limit. One that is damaged does: the crate stops where it breaks, too.
    fn is_small(&self, page: &[u8]) -> bool {
        let size = page.len() as u64;
        let is_gzip = matches!(self.codec, Compression::GZIP(_));
        if !self.is_unbounded() || is_gzip && size < LARGEST_PAGE / GZIP_RATIO {
            return true;
        }
        let before = self.before.load(Ordering::Relaxed);
        let Some(packed) = usize::try_from(before).ok().and_then(|before| page.get(before..)) else { return false };
        let unpacked: Box<dyn Read + '_> = match is_gzip {
            true => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            false => Box::new(brotli::Decompressor::new(packed, 64 << 10)),
        };
        let measured = io::copy(&mut unpacked.take(LARGEST_PAGE + 1), &mut io::sink());
        measured.map_or(true, |bytes| bytes <= LARGEST_PAGE)
    }
}

impl Length for Measured {
    fn len(&self) -> u64 {
        Length::len(&*self.file)
    }
}

impl ChunkReader for Measured {
    type T = BufReader<File>;

    /// Reads from where the header of a page begins.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        if self.is_unbounded() {
            let mut header = vec![0; HEADER];
            let read = self.file.read_at(&mut header, start)?;
            let before = thrift::bytes_before(&header[..read]).unwrap_or(UNKNOWN);
            self.before.store(before, Ordering::Relaxed);
        }
        self.file.get_read(start)
    }

    /// Reads a page.
    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let page = self.file.get_bytes(start, length)?;
        if self.is_small(&page) { Ok(page) } else { Err(ParquetError::General("a page is too large".into())) }
    }
}
