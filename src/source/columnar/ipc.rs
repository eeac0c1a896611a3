//! Record batches of the Arrow IPC format, message by message. A file holds the messages of a stream between its magic
//! and its footer, so both are read alike.
//!
//! Every length that a message states is compared with what the file has before memory is taken for it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::{Message, root_as_message};

use super::Batches;

const MAGIC: &[u8; 6] = b"ARROW1";
/// What precedes the size of a message since Arrow 0.15.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Largest description of a batch: over a hundred thousand columns.
const LARGEST_HEADER: u32 = 64 << 20;
/// Largest batch, stored and decompressed.
const LARGEST_BATCH: u64 = 1 << 30;

pub(super) struct Messages {
    input: BufReader<File>,
    /// Bytes of messages that were not read.
    left: u64,
    decoder: StreamDecoder,
    ready: VecDeque<RecordBatch>,
    ended: bool,
}

impl Messages {
    pub(super) fn open(mut file: File) -> io::Result<Messages> {
        let total = file.metadata()?.len();
        let mut head = [0; 8];
        file.rewind()?;
        let framed = total >= 8 && file.read_exact(&mut head).map(|()| head.starts_with(MAGIC))?;
        let left = if framed { messages_of_file(&mut file, total)? } else { total };
        file.seek(SeekFrom::Start(if framed { 8 } else { 0 }))?;
        let mut input = BufReader::new(file);
        let left = if framed { skip_padding(&mut input, left)? } else { left };
        Ok(Messages { input, left, decoder: StreamDecoder::new(), ready: VecDeque::new(), ended: false })
    }

    /// The first bytes of a message with its size; `None` after the last message.
    fn read_prefix(&mut self) -> io::Result<Option<u32>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut word = self.read_word()?;
        if word == CONTINUATION {
            word = self.read_word()?;
        }
        Ok(Some(u32::from_le_bytes(word)).filter(|size| *size > 0))
    }

    fn read_word(&mut self) -> io::Result<[u8; 4]> {
        let mut word = [0; 4];
        self.take(4)?;
        self.input.read_exact(&mut word)?;
        Ok(word)
    }

    /// Counts bytes that are about to be read.
    fn take(&mut self, bytes: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(damaged)?;
        Ok(())
    }

    /// The next message with its prefix and its body, all checked.
    fn read_message(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(size) = self.read_prefix()? else { return Ok(None) };
        if size > LARGEST_HEADER {
            return Err(damaged());
        }
        self.take(u64::from(size))?;
        let mut bytes = [CONTINUATION, size.to_le_bytes()].concat();
        let body_at = bytes.len() + size as usize;
        bytes.resize(body_at, 0);
        self.input.read_exact(&mut bytes[8..])?;
        let message = root_as_message(&bytes[8..]).map_err(|_| damaged())?;
        let body = u64::try_from(message.bodyLength()).map_err(|_| damaged())?;
        self.take(body)?;
        if body > LARGEST_BATCH {
            return Err(too_large());
        }
        bytes.resize(body_at + body as usize, 0);
        self.input.read_exact(&mut bytes[body_at..])?;
        let message = root_as_message(&bytes[8..body_at]).map_err(|_| damaged())?;
        check_compressed(&message, &bytes[body_at..])?;
        Ok(Some(bytes))
    }

    fn decode(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let mut bytes = Buffer::from(bytes);
        while !bytes.is_empty() {
            let batch = self.decoder.decode(&mut bytes).map_err(|_| damaged())?;
            self.ready.extend(batch);
        }
        Ok(())
    }
}

impl Batches for Messages {
    fn next_batch(&mut self) -> io::Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if self.ended {
                return Ok(None);
            }
            let message = self.read_message()?;
            self.ended = message.is_none();
            // The decoder hands on a batch without a body when more bytes come: at the end, the mark of the end.
            self.decode(message.unwrap_or_else(|| [CONTINUATION, [0; 4]].concat()))?;
        }
    }
}

/// Skips the zeros that some writers put after the magic, so that the first message begins at a multiple of 64. Returns
/// how many of the bytes are left.
fn skip_padding(input: &mut BufReader<File>, mut left: u64) -> io::Result<u64> {
    while left >= 4 && input.fill_buf()?.starts_with(&[0; 4]) {
        input.consume(4);
        left -= 4;
    }
    Ok(left)
}

/// Bytes of messages in a file of `total` bytes: all but the magic at both ends and the footer with its size.
fn messages_of_file(file: &mut File, total: u64) -> io::Result<u64> {
    let mut tail = [0; 10];
    let frame = 8 + tail.len() as u64;
    let inner = total.checked_sub(frame).ok_or_else(damaged)?;
    file.seek(SeekFrom::End(-(tail.len() as i64)))?;
    file.read_exact(&mut tail)?;
    let (size, magic) = tail.split_at(4);
    let footer = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
    if magic != MAGIC {
        return Err(damaged());
    }
    inner.checked_sub(u64::from(footer)).ok_or_else(damaged)
}

/// Compares what compressed buffers say they will be with the limit; each begins with that.
fn check_compressed(message: &Message<'_>, body: &[u8]) -> io::Result<()> {
    let batch = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(()) };
    let mut total = 0u64;
    for buffer in batch.buffers().iter().flatten() {
        let stated = usize::try_from(buffer.offset()).ok().and_then(|at| body.get(at..)?.first_chunk::<8>());
        if let (Some(stated), true) = (stated, buffer.length() > 0) {
            total = total.saturating_add(u64::try_from(i64::from_le_bytes(*stated)).unwrap_or(0));
        }
    }
    if total > LARGEST_BATCH { Err(too_large()) } else { Ok(()) }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the Arrow file is damaged")
}

fn too_large() -> io::Error {
    let words = "a record batch of the Arrow file is larger than 1 GiB. Write the file with smaller batches";
    io::Error::new(io::ErrorKind::InvalidData, words)
}
