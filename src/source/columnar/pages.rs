//! Pages of a Parquet column, each looked at before the crate takes memory for the number of values that it states.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescriptor;

/// Values in a page above which memory would be taken for all of them at once; writers end a page at about a megabyte.
const MOST_VALUES: u32 = 1 << 24;

pub(super) struct Checked<P> {
    pages: P,
    repeated: bool,
    optional: bool,
}

impl<P: PageReader> Checked<P> {
    pub(super) fn new(pages: P, column: &ColumnDescriptor) -> Self {
        Checked { pages, repeated: column.max_rep_level() > 0, optional: column.max_def_level() > 0 }
    }

    /// Whether the memory for the values of a page is in proportion to the page.
    fn is_sound(&self, page: &Page) -> bool {
        let few = page.num_values() <= MOST_VALUES;
        match page {
            Page::DictionaryPage { buf, num_values, .. } => *num_values as usize <= buf.len() + 1,
            _ => match page.encoding() {
                Encoding::DELTA_LENGTH_BYTE_ARRAY => few && self.has_lengths(page, 1),
                Encoding::DELTA_BYTE_ARRAY => few && self.has_lengths(page, 2),
                _ => few || !self.repeated,
            },
        }
    }

    /// Whether a page has as many runs of lengths as asked, none with more lengths than the page has values.
    fn has_lengths(&self, page: &Page, runs: usize) -> bool {
        let mut rest = self.values(page);
        (0..runs).all(|_| {
            let run = rest.and_then(|bytes| skip_lengths(bytes, page.num_values()));
            rest = run;
            run.is_some()
        })
    }

    /// The part of a page after its levels.
    fn values<'a>(&self, page: &'a Page) -> Option<&'a [u8]> {
        match page {
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                buf.get(*def_levels_byte_len as usize + *rep_levels_byte_len as usize..)
            }
            _ => {
                let mut bytes = &page.buffer()[..];
                for _ in 0..usize::from(self.repeated) + usize::from(self.optional) {
                    let (size, rest) = bytes.split_first_chunk::<4>()?;
                    bytes = rest.get(u32::from_le_bytes(*size) as usize..)?;
                }
                Some(bytes)
            }
        }
    }
}

/// Skips delta-coded lengths, at most `most` of them; returns what follows.
fn skip_lengths(mut bytes: &[u8], most: u32) -> Option<&[u8]> {
    let block = number(&mut bytes)?;
    let parts = usize::try_from(number(&mut bytes)?).ok()?;
    let count = number(&mut bytes)?;
    number(&mut bytes)?;
    if count > u64::from(most) || parts == 0 || block > 1 << 20 || block < parts as u64 {
        return None;
    }
    let in_part = block / parts as u64;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        number(&mut bytes)?;
        let (widths, rest) = bytes.split_at_checked(parts)?;
        bytes = rest;
        for width in widths {
            if left == 0 {
                break;
            }
            bytes = bytes.get((u64::from(*width) * in_part / 8) as usize..)?;
            left = left.saturating_sub(in_part);
        }
    }
    Some(bytes)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

impl<P: PageReader> PageReader for Checked<P> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        match &page {
            Some(page) if !self.is_sound(page) => Err(ParquetError::General("more values than the page holds".into())),
            _ => Ok(page),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl<P: PageReader> Iterator for Checked<P> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
