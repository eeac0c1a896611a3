//! Batches of rows of a Parquet file, row group by row group.
//!
//! Text and binary columns are read as views: a long value in a dictionary that a million rows share exists once. The
//! number of rows in a batch follows from their mean size.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::measured::Measured;
use super::pages::Checked;
use super::{Batches, thrift};

/// Bytes of values that a batch should have.
const BATCH_BYTES: i64 = 4 << 20;
/// Rows that a batch has at most, whatever the file says about their size.
const BATCH_ROWS: i64 = 256;
/// Largest footer.
const LARGEST_FOOTER: u64 = 256 << 20;

/// The row groups of a file, one after the other.
pub(super) struct Groups {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    levels: FieldLevels,
    next: usize,
    reader: Option<ParquetRecordBatchReader>,
}

impl Groups {
    pub(super) fn open(file: File) -> io::Result<Groups> {
        if !thrift::is_shallow(&read_footer(&file)?) {
            return Err(damaged());
        }
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|_| damaged())?;
        let levels = levels(&metadata).map_err(|_| damaged())?;
        Ok(Groups { file: Arc::new(file), metadata: Arc::new(metadata), levels, next: 0, reader: None })
    }

    /// A reader of the next row group.
    fn next_reader(&mut self) -> Result<Option<ParquetRecordBatchReader>> {
        if self.next == self.metadata.num_row_groups() {
            return Ok(None);
        }
        let group = Group { file: self.file.clone(), metadata: self.metadata.clone(), index: self.next };
        self.next += 1;
        let rows = batch_rows(group.of());
        ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &group, rows, None).map(Some)
    }
}

impl Batches for Groups {
    fn next_batch(&mut self) -> io::Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.reader.as_mut().and_then(Iterator::next) {
                return batch.map(Some).map_err(|_| damaged());
            }
            self.reader = self.next_reader().map_err(|_| damaged())?;
            if self.reader.is_none() {
                return Ok(None);
            }
        }
    }
}

/// The footer, which its size and the magic follow.
fn read_footer(file: &File) -> io::Result<Vec<u8>> {
    let total = file.metadata()?.len();
    let mut tail = [0; 8];
    let end = total.checked_sub(tail.len() as u64).ok_or_else(damaged)?;
    file.read_exact_at(&mut tail, end)?;
    let (size, magic) = tail.split_at(4);
    let size = u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]));
    match magic {
        b"PAR1" if size <= end && size <= LARGEST_FOOTER => {}
        b"PARE" => return Err(io::Error::new(io::ErrorKind::InvalidData, "the Parquet file is encrypted")),
        _ => return Err(damaged()),
    }
    let mut footer = vec![0; size as usize];
    file.read_exact_at(&mut footer, end - size)?;
    Ok(footer)
}

/// What the columns are read as.
fn levels(metadata: &ParquetMetaData) -> Result<FieldLevels> {
    let columns = metadata.file_metadata().schema_descr();
    let plain = parquet_to_arrow_schema(columns, None)?;
    let views: Fields = plain.fields().iter().map(as_view).collect();
    parquet_to_arrow_field_levels(columns, ProjectionMask::all(), Some(&views))
}

/// The field with views in place of texts and binary values, at any depth.
fn as_view(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::List(item) => DataType::List(as_view(item)),
        DataType::Map(entries, sorted) => DataType::Map(as_view(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(as_view).collect()),
        kind => kind.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(kind))
}

fn batch_rows(group: &RowGroupMetaData) -> usize {
    let mean = group.total_byte_size() / group.num_rows().max(1);
    (BATCH_BYTES / mean.max(1)).clamp(1, BATCH_ROWS) as usize
}

/// One row group.
struct Group {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    index: usize,
}

impl Group {
    fn of(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.index)
    }

    fn page_reader(&self, column: usize) -> Result<Box<dyn PageReader>> {
        let chunk = self.of().columns().get(column).ok_or(ParquetError::EOF(String::new()))?;
        let stored = Arc::new(Measured::new(self.file.clone(), chunk.compression()));
        let pages = SerializedPageReader::new(stored, chunk, self.num_rows(), None)?;
        Ok(Box::new(Checked::new(pages, chunk.column_descr())))
    }
}

impl RowGroups for Group {
    fn num_rows(&self) -> usize {
        usize::try_from(self.of().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(OneChunk(Some(self.page_reader(column)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.of()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of one column of one row group.
struct OneChunk(Option<Result<Box<dyn PageReader>>>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take()
    }
}

impl PageIterator for OneChunk {}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the Parquet file is damaged")
}
