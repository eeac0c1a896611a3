//! Parquet and Arrow files, whole and damaged.

use std::io::{Seek, Write};
use std::sync::LazyLock;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Fields, Int8Type, Int32Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn lines(reader: io::Result<Box<dyn Read + Send>>) -> io::Result<Vec<Value>> {
    let mut text = String::new();
    reader?.read_to_string(&mut text)?;
    assert!(text.is_empty() || text.ends_with('\n'));
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn to_parquet(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn to_file(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn to_stream(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

/// A row as stores have it, of every sort of column.
fn stores() -> RecordBatch {
    let bodies: [Option<&[u8]>; 3] = [Some(b"{\"ResultCode\":\"1012\"}"), None, Some(&[0xff, 0xfe, 0])];
    let entries = StructArray::from(vec![
        (Arc::new(Field::new("keys", DataType::Utf8, false)), Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
        (Arc::new(Field::new("values", DataType::Utf8, true)), Arc::new(StringArray::from(vec!["1", "2"])) as ArrayRef),
    ]);
    let entry = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    let map = MapArray::new(entry, OffsetBuffer::from_lengths([1, 0, 1]), entries, None, false);
    let inner = Fields::from(vec![Field::new("code", DataType::Int32, true)]);
    let inner = StructArray::new(inner, vec![Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]))], None);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    let dictionary: DictionaryArray<Int8Type> = [Some("x"), None, Some("x")].into_iter().collect();
    batch(vec![
        ("body", Arc::new(BinaryArray::from_iter(bodies))),
        ("large", Arc::new(LargeBinaryArray::from_iter(bodies))),
        ("text", Arc::new(StringArray::from(vec![Some("é\n\""), Some(""), None]))),
        ("large_text", Arc::new(LargeStringArray::from(vec!["a", "b", "c"]))),
        ("fixed", Arc::new(FixedSizeBinaryArray::try_from_iter([b"ab", b"cd", &[0xc3, 0x28]].into_iter()).unwrap())),
        ("dictionary", Arc::new(dictionary)),
        ("received_at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_700_000_000_123_456), None, Some(-1)]))),
        (
            "zoned",
            Arc::new(TimestampMillisecondArray::from(vec![0, 1, 1_700_000_000_000]).with_timezone("Africa/Lagos")),
        ),
        ("price", Arc::new(Decimal128Array::from(vec![12345, -5, 0]).with_precision_and_scale(10, 2).unwrap())),
        ("day", Arc::new(Date32Array::from(vec![19_000, 0, 1]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("number", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), None]))),
        ("map", Arc::new(map)),
        ("struct", Arc::new(inner)),
        ("list", Arc::new(list)),
    ])
}

fn expected() -> Vec<Value> {
    vec![
        json!({"body": "{\"ResultCode\":\"1012\"}", "large": "{\"ResultCode\":\"1012\"}", "text": "é\n\"",
            "large_text": "a", "fixed": "ab", "dictionary": "x", "received_at": "2023-11-14T22:13:20.123456Z",
            "zoned": "1970-01-01T00:00:00Z", "price": 123.45, "day": "2022-01-08", "flag": true, "number": 0.5,
            "map": {"a": "1"}, "struct": {"code": 1}, "list": [1, null]}),
        json!({"text": "", "large_text": "b", "fixed": "cd", "zoned": "1970-01-01T00:00:00.001Z", "price": -0.05,
            "day": "1970-01-01", "number": null, "map": {}, "struct": {}}),
        json!({"body": "//4A", "large": "//4A", "large_text": "c", "fixed": "wyg=", "dictionary": "x",
            "received_at": "1969-12-31T23:59:59.999999Z", "zoned": "2023-11-14T22:13:20Z", "price": 0.0,
            "day": "1970-01-02", "flag": false, "map": {"b": "2"}, "struct": {"code": 3}, "list": []}),
    ]
}

#[test]
fn rows_of_a_parquet_file_are_lines_with_every_codec() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder().set_compression(codec).set_writer_version(version).build();
            let rows = lines(parquet(stored(&to_parquet(&stores(), properties)))).unwrap();
            assert_eq!(rows, expected(), "{codec} {version:?}");
        }
    }
}

#[test]
fn rows_of_arrow_files_and_streams_are_lines_with_every_codec() {
    for codec in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let twice: Vec<Value> = expected().into_iter().chain(expected()).collect();
        assert_eq!(lines(arrow(stored(&to_file(&[stores(), stores()], codec)))).unwrap(), twice);
        assert_eq!(lines(arrow(stored(&to_stream(&[stores(), stores()], codec)))).unwrap(), twice);
    }
}

#[test]
fn views_and_runs_and_batches_without_a_body_are_read_from_arrow() {
    let runs =
        RunArray::<Int32Type>::try_new(&Int32Array::from(vec![1, 3]), &StringArray::from(vec!["a", "b"])).unwrap();
    let long = "a text that is too long to be kept in a view";
    let views = batch(vec![
        ("text", Arc::new(StringViewArray::from(vec![Some(long), None, Some("s")]))),
        ("bytes", Arc::new(BinaryViewArray::from(vec![long.as_bytes(), b"\xff", b""]))),
        ("run", Arc::new(runs)),
    ]);
    let wanted = vec![
        json!({"text": long, "bytes": long, "run": "a"}),
        json!({"bytes": "/w==", "run": "b"}),
        json!({"text": "s", "bytes": "", "run": "b"}),
    ];
    assert_eq!(lines(arrow(stored(&to_file(&[views], None)))).unwrap(), wanted);
    let nothing = batch(vec![("nothing", Arc::new(NullArray::new(2)))]);
    assert_eq!(lines(arrow(stored(&to_stream(&[nothing], None)))).unwrap(), vec![json!({}), json!({})]);
}

#[test]
fn a_stream_may_end_without_its_mark_but_not_within_a_message() {
    let bytes = to_stream(&[stores()], None);
    let unmarked = &bytes[..bytes.len() - 8];
    assert_eq!(lines(arrow(stored(unmarked))).unwrap(), expected());
    let cut = lines(arrow(stored(&unmarked[..unmarked.len() - 8]))).unwrap_err();
    assert_eq!((cut.kind(), cut.to_string()), (io::ErrorKind::InvalidData, "the Arrow file is damaged".into()));
    let bytes = to_file(&[stores()], None);
    assert!(arrow(stored(&bytes[..bytes.len() - 1])).is_err());
}

#[test]
fn rows_of_several_row_groups_come_in_order() {
    let numbers: Vec<i64> = (0..10_000).collect();
    let texts: Vec<String> =
        numbers.iter().map(|number| format!("{number}-{}", "x".repeat(*number as usize % 50))).collect();
    let table =
        batch(vec![("n", Arc::new(Int64Array::from(numbers))), ("t", Arc::new(StringArray::from(texts.clone())))]);
    for encoding in [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(3_000))
            .set_dictionary_enabled(false)
            .set_column_encoding("t".into(), encoding)
            .build();
        let rows = lines(parquet(stored(&to_parquet(&table, properties)))).unwrap();
        assert_eq!(rows.len(), 10_000);
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(row, &json!({"n": number, "t": texts[number]}));
        }
    }
}

#[test]
fn a_long_value_that_many_rows_share_is_not_copied_for_each() {
    let long = "y".repeat(8 << 20);
    let table = batch(vec![("t", Arc::new(StringArray::from(vec![long.as_str(); 200])))]);
    let mut rows = parquet(stored(&to_parquet(&table, WriterProperties::builder().build()))).unwrap();
    let mut line = vec![0; long.len() + 9];
    for _ in 0..200 {
        rows.read_exact(&mut line).unwrap();
        assert!(line.starts_with(b"{\"t\":\"yyy") && line.ends_with(b"yyy\"}\n"));
    }
    assert_eq!(rows.read(&mut line).unwrap(), 0);
}

#[test]
fn a_page_that_unpacks_to_more_than_a_gigabyte_is_damage() {
    let short = "0123456789".repeat(20);
    let table = batch(vec![("t", Arc::new(StringArray::from(vec![short.as_str()])))]);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..1100 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let packed = |bytes: &[u8], codec| {
        let chunk = super::measured::Measured::new(Arc::new(stored(bytes)), codec);
        parquet::file::reader::ChunkReader::get_read(&chunk, 0).unwrap();
        parquet::file::reader::ChunkReader::get_bytes(&chunk, 8, bytes.len() - 8).is_ok()
    };
    // A header of the compact protocol that is at once at its end, then the page.
    let page = [&[0; 8][..], &bomb].concat();
    assert!(!packed(&page, Compression::GZIP(GzipLevel::default())));
    assert!(packed(&page, Compression::SNAPPY));
    let properties = WriterProperties::builder().set_compression(Compression::GZIP(GzipLevel::default())).build();
    assert_eq!(lines(parquet(stored(&to_parquet(&table, properties)))).unwrap(), [json!({"t": short})]);
}

#[test]
fn a_schema_that_nests_without_end_is_damage() {
    // A footer of the version and a list of elements that have one child each.
    let count = 300_000u32;
    let mut footer = vec![0x15, 2, 0x19, 0xfc];
    footer.extend([count as u8 | 0x80, (count >> 7) as u8 | 0x80, (count >> 14) as u8]);
    for _ in 0..count {
        footer.extend([0x35, 2, 0x18, 1, b'a', 0x15, 2, 0]);
    }
    let mut bytes = b"PAR1".to_vec();
    bytes.extend(&footer);
    bytes.extend((footer.len() as u32).to_le_bytes());
    bytes.extend(b"PAR1");
    assert_eq!(parquet(stored(&bytes)).err().unwrap().to_string(), "the Parquet file is damaged");
}

#[test]
fn what_is_no_such_file_is_damage() {
    for bytes in
        [&b""[..], b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"ARROW1\0\0", b"ARROW1\0\0\0\0\0\0ARROW1", b"{}"]
    {
        assert!(lines(parquet(stored(bytes))).is_err());
        assert!(bytes.is_empty() || lines(arrow(stored(bytes))).is_err() || bytes.starts_with(b"ARROW1\0\0\0\0"));
    }
}

#[test]
fn a_panic_of_a_crate_is_damage() {
    let said = contain::<()>("damage", || panic!("over a value")).unwrap_err();
    assert_eq!((said.kind(), said.to_string()), (io::ErrorKind::InvalidData, "damage".into()));
}

#[test]
fn a_map_with_keys_that_are_no_text_is_said() {
    let mut builder = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
    builder.keys().append_value(1);
    builder.values().append_value(1);
    builder.append(true).unwrap();
    let table = batch(vec![("map", Arc::new(builder.finish()))]);
    let said = lines(arrow(stored(&to_file(&[table], None)))).unwrap_err().to_string();
    assert!(said.contains("no JSON form"), "{said}");
}

/// A file with some bytes changed, cut or repeated. Either it is read, or the error has fixed words.
fn mutated(bytes: &[u8], changes: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

/// Reads at most a few megabytes of rows.
fn drained(reader: io::Result<Box<dyn Read + Send>>, damaged: &str) {
    let read = reader.and_then(|rows| rows.take(4 << 20).read_to_end(&mut Vec::new()));
    if let Err(cause) = read {
        let said = cause.to_string();
        assert_eq!(cause.kind(), io::ErrorKind::InvalidData);
        assert!([damaged, "1 GiB", "no JSON form", "encrypted"].iter().any(|words| said.contains(words)), "{said}");
    }
}

/// The same columns in small files of different encodings.
fn parquet_seeds() -> Vec<Vec<u8>> {
    let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let codecs =
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4, Compression::ZSTD(ZstdLevel::default())];
    let mut seeds = Vec::new();
    for version in versions {
        for codec in codecs {
            for encoding in [None, Some(Encoding::DELTA_LENGTH_BYTE_ARRAY), Some(Encoding::DELTA_BYTE_ARRAY)] {
                let mut properties = WriterProperties::builder().set_compression(codec).set_writer_version(version);
                if let Some(encoding) = encoding {
                    properties = properties.set_dictionary_enabled(false);
                    for column in ["body", "text"] {
                        properties = properties.set_column_encoding(column.into(), encoding);
                    }
                }
                seeds.push(to_parquet(&stores(), properties.build()));
            }
        }
    }
    seeds
}

fn arrow_seeds() -> Vec<Vec<u8>> {
    [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)]
        .into_iter()
        .flat_map(|codec| [to_file(&[stores()], codec), to_stream(&[stores()], codec)])
        .collect()
}

fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damaged_parquet_files_never_panic(
        seed: prop::sample::Index,
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..6),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        drained(parquet(stored(&mutated(seed.get::<Vec<u8>>(&PARQUET), &changes, cut))), "the Parquet file is damaged");
    }

    #[test]
    fn damaged_arrow_files_never_panic(
        seed: prop::sample::Index,
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..6),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        drained(arrow(stored(&mutated(seed.get::<Vec<u8>>(&ARROW), &changes, cut))), "the Arrow file is damaged");
    }

    #[test]
    fn any_bytes_are_read_or_damage(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drained(parquet(stored(&bytes)), "the Parquet file is damaged");
        drained(arrow(stored(&bytes)), "the Arrow file is damaged");
        let framed = [&b"PAR1"[..], &bytes, &(bytes.len() as u32).to_le_bytes(), b"PAR1"].concat();
        drained(parquet(stored(&framed)), "the Parquet file is damaged");
        let framed = [&b"ARROW1\0\0"[..], &bytes, &[0; 4], b"ARROW1"].concat();
        drained(arrow(stored(&framed)), "the Arrow file is damaged");
    }
}

static PARQUET: LazyLock<Vec<Vec<u8>>> = LazyLock::new(parquet_seeds);
static ARROW: LazyLock<Vec<Vec<u8>>> = LazyLock::new(arrow_seeds);
