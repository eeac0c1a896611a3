//! The normalised rows: what kycmart stores, one struct per table.
//!
//! The doc comment of every field is its entry in the data dictionary (`docs/TABLES.md`), so it
//! gives the meaning, the unit and, where it matters, where the value comes from. A row holds *facts* (what was stated);
//! what a fact means (`outcome`, `is_final`, `authority_signal`) is resolved in `queries/models` from the code catalogue.
//!
//! It is one long file because it is the dictionary: every table can be read in one place.
//!
//! Not here: how rows become Parquet files (`mart`), how payloads become rows (`provider`, `privacy`).

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Microseconds since 1970-01-01T00:00:00Z, UTC. All times in the mart are of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// The ten-minute window since the epoch in which Smile ID computes authority availability (seed 002).
    pub fn window_index(self) -> i64 {
        self.0.div_euclid(600_000_000)
    }

    /// The five-minute slot since the epoch; the `calendar` view maps slots to local dates.
    pub fn slot_index(self) -> i64 {
        self.0.div_euclid(300_000_000)
    }

    /// The calendar month in UTC, `2026-10`.
    pub fn month(self) -> String {
        self.utc().format("%Y-%m").to_string()
    }

    /// The same instant as a chrono value.
    pub fn utc(self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// RFC 3339 in UTC with as many fraction digits as are needed: `2018-03-13T21:04:11.193Z`.
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }
}

/// Declares an enum whose values are words of the mart's vocabulary.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as it is stored and printed.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The value of a stored word, if it is one.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl Cell for $name {
            const TYPE: CellType = CellType::Text;
            const NULLABLE: bool = false;
            fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(StringArray::from_iter_values(cells.map(|c| c.word())))
            }
        }

        impl Cell for Option<$name> {
            const TYPE: CellType = CellType::Text;
            const NULLABLE: bool = true;
            fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(StringArray::from_iter(cells.map(|c| c.map(|c| c.word()))))
            }
        }
    };
}

words! {
    /// Who sent a payload.
    Provider { SmileId = "smile_id", AdvanceAi = "advance_ai", Jumio = "jumio" }
}

words! {
    /// What sort of message a payload is.
    Kind {
        Callback = "callback",
        JobStatus = "job_status",
        GetResult = "get_result",
        Retrieval = "retrieval",
        DocumentCallback = "document_callback",
        AuthenticationCallback = "authentication_callback",
        KyxCallback = "kyx_callback",
        KyxRetrieval = "kyx_retrieval",
        V3Callback = "v3_callback",
        IdStatus = "id_status",
        HealthStatus = "health_status",
        SubmissionAck = "submission_ack",
        ErrorResponse = "error_response",
        /// A known answer that states nothing about a verification (service lists, tokens, image lists).
        OtherNoVerdict = "other_no_verdict",
        /// A known part of a payload without its envelope.
        Fragment = "fragment",
        Unreadable = "unreadable",
    }
}

words! {
    /// The provider's product a verification was run with.
    Product {
        BiometricKyc = "biometric_kyc",
        EnhancedKyc = "enhanced_kyc",
        BasicKyc = "basic_kyc",
        DocumentVerification = "document_verification",
        EnhancedDocumentVerification = "enhanced_document_verification",
        ResidencyDocumentVerification = "residency_document_verification",
        SmartselfieAuthentication = "smartselfie_authentication",
        SmartselfieRegistration = "smartselfie_registration",
        SmartselfieCompare = "smartselfie_compare",
        BusinessVerification = "business_verification",
        Aml = "aml",
        AddressVerification = "address_verification",
        PhoneVerification = "phone_verification",
        Netverify = "netverify",
        Document = "document",
        Authentication = "authentication",
        Kyx = "kyx",
        Idv = "idv",
        DatabaseValidation = "database_validation",
    }
}

words! {
    /// Which of the provider's two systems a job ran in. Both number their jobs alike.
    Environment { Production = "production", Sandbox = "sandbox" }
}

words! {
    /// Whether the caller waited for the answer. Asynchronous jobs wait for the authority, so outages hide in them.
    Channel { Sync = "sync", Async = "async" }
}

words! {
    /// Where `event_time` comes from.
    EventTimeSource {
        /// The statement itself (Jumio `callbackDate`, v3 `completed_at`).
        Statement = "statement",
        /// The payload's own timestamp.
        Payload = "payload",
        /// The payload's timestamp, for a history entry: an upper bound only.
        History = "history",
        /// When the payload was received, as its store recorded it. Resolved in the models, over all deliveries.
        Received = "received",
    }
}

words! {
    /// The form of a payload's signature, before any key is tried (PROVIDERS.md, 1.1).
    SignatureClass {
        /// 44 characters of base64: HMAC-SHA-256, needs a key to verify.
        Hmac44 = "hmac44",
        /// Legacy: RSA half, `|`, SHA-256 half.
        SecKey = "sec_key",
        /// 64 hexadecimal digits: a hash that anyone can compute.
        Unkeyed64 = "unkeyed64",
        /// A placeholder, a truncated value or anything else that can never verify.
        Damaged = "damaged",
        Absent = "absent",
        /// v3: the signature travels in HTTP headers, and they are what was stored with it.
        HeaderOnlyScheme = "header_only_scheme",
    }
}

words! {
    /// Why a payload, or a part of one, could not be read.
    RejectReason {
        Empty = "empty",
        NotUtf8 = "not_utf8",
        InvalidJson = "invalid_json",
        TruncatedJson = "truncated_json",
        TooLarge = "too_large",
        DecompressionBomb = "decompression_bomb",
        DamagedArchive = "damaged_archive",
        NotAnObject = "not_an_object",
        /// Well-formed, but of no provider that kycmart knows.
        UnknownShape = "unknown_shape",
        /// A row of an export whose payload column is missing or empty.
        NoPayload = "no_payload",
    }
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    Text,
    Integer,
    SmallInteger,
    Number,
    Boolean,
    /// UTC, microseconds, without a zone (Delta `timestamp_ntz`).
    Timestamp,
}

impl CellType {
    /// The Arrow type that columns of this type have in memory and in Parquet.
    pub fn arrow(self) -> DataType {
        match self {
            CellType::Text => DataType::Utf8,
            CellType::Integer => DataType::Int64,
            CellType::SmallInteger => DataType::Int32,
            CellType::Number => DataType::Float64,
            CellType::Boolean => DataType::Boolean,
            CellType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }
}

/// A value that can stand in a column.
pub trait Cell: Sized {
    const TYPE: CellType;
    const NULLABLE: bool;
    /// Gathers one column.
    fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;
}

macro_rules! cell {
    ($type:ty, $cell:expr, $array:ty, |$c:ident| $get:expr) => {
        impl Cell for $type {
            const TYPE: CellType = $cell;
            const NULLABLE: bool = false;
            fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(<$array>::from_iter(cells.map(|$c| Some($get))))
            }
        }
        impl Cell for Option<$type> {
            const TYPE: CellType = $cell;
            const NULLABLE: bool = true;
            fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(<$array>::from_iter(cells.map(|c| c.as_ref().map(|$c| $get))))
            }
        }
    };
}

cell!(String, CellType::Text, StringArray, |c| c.as_str());
cell!(i64, CellType::Integer, Int64Array, |c| *c);
cell!(i32, CellType::SmallInteger, Int32Array, |c| *c);
cell!(f64, CellType::Number, Float64Array, |c| *c);
cell!(bool, CellType::Boolean, BooleanArray, |c| *c);
cell!(Micros, CellType::Timestamp, TimestampMicrosecondArray, |c| c.0);

/// One column of a table: an entry of the data dictionary.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub doc: &'static str,
    pub cell: CellType,
    pub nullable: bool,
}

/// A table of the mart.
pub trait Table: Sized {
    /// The table's name.
    const NAME: &'static str;
    /// The column it is partitioned by, if any.
    const PARTITION: Option<&'static str>;
    /// What one row is.
    const DOC: &'static str;
    /// The columns in order.
    fn columns() -> Vec<Column>;
    /// The rows as one Arrow batch.
    fn batch(rows: &[Self]) -> RecordBatch;
    /// The Arrow schema of the table.
    fn schema() -> SchemaRef {
        arrow_schema(&Self::columns())
    }
}

/// The Arrow schema of a list of columns.
pub fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|c| Field::new(c.name, c.cell.arrow(), c.nullable)).collect();
    Arc::new(Schema::new(fields))
}

/// Declares a row type and, from the same text, its Arrow schema, its batch builder and its dictionary entry.
macro_rules! table {
    ($(#[doc = $doc:literal])+ $name:ident = $table:literal by $partition:expr; { $($(#[doc = $fdoc:literal])+ $field:ident : $type:ty),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[doc = $fdoc])+ pub $field: $type),+ }

        impl Table for $name {
            const NAME: &'static str = $table;
            const PARTITION: Option<&'static str> = $partition;
            const DOC: &'static str = concat!($($doc),+);
            fn columns() -> Vec<Column> {
                vec![$(Column {
                    name: stringify!($field),
                    doc: concat!($($fdoc),+),
                    cell: <$type as Cell>::TYPE,
                    nullable: <$type as Cell>::NULLABLE,
                }),+]
            }
            fn batch(rows: &[Self]) -> RecordBatch {
                let columns: Vec<ArrayRef> = vec![$(<$type as Cell>::array(rows.iter().map(|r| &r.$field))),+];
                RecordBatch::try_new(Self::schema(), columns).expect("columns are built from the schema's own types")
            }
        }
    };
}

table! {
    /// One statement about one verification: a callback, a `job_status` result, each `history[]` entry, a get-result answer, a retrieval answer.
    Observation = "observations" by Some("event_month"); {
        /// The ingest that wrote the row; only batches listed in `batches` count.
        batch_id: String,
        /// Identity of the payload: BLAKE3 of the body and of what identifies it outside the body. Replays share it.
        payload_key: String,
        /// BLAKE3 of the payload's body, hexadecimal.
        payload_digest: String,
        /// BLAKE3 of what is stated: equal for re-polled answers that differ only in signature, timestamp or receipt query.
        statement_digest: String,
        /// 0 for the payload's own result, 1, 2, … for its history entries, newest first as sent.
        position: i32,
        /// True for a history entry: its time is an upper bound.
        is_history: bool,
        /// True for a part of an answer that lacks what may decide otherwise (a Jumio document part knows of no face check).
        is_part: bool,
        /// `smile_id`, `advance_ai` or `jumio`.
        provider: Provider,
        /// What sort of message the payload is.
        kind: Kind,
        /// The product as this payload states it; NULL where it does not. The models fill it over the job.
        product: Option<Product>,
        /// Smile ID `job_type` as sent.
        job_type: Option<String>,
        /// `production`, `sandbox`, or NULL where neither configuration nor payload tells.
        environment: Option<Environment>,
        /// The account at the provider, without leading zeros.
        partner: Option<String>,
        /// `sync`, `async`, or NULL where it cannot be told.
        channel: Option<Channel>,
        /// The provider's own reference as sent: SmileJobID, signatureId, scan, transaction or workflow reference.
        provider_job_id: Option<String>,
        /// The company's reference: PartnerParams.job_id, merchantIdScanReference; a pseudonym where it looked personal.
        partner_job_id: Option<String>,
        /// True where `partner_job_id` or `provider_job_id` looked personal and was replaced by pseudonym and mask.
        job_id_masked: bool,
        /// Keyed pseudonym of the user id; NULL without a key.
        user_pseudonym: Option<String>,
        /// Keyed pseudonym of the ID number; NULL without a key.
        id_number_pseudonym: Option<String>,
        /// Which key made the pseudonyms.
        pseudonym_key_id: Option<String>,
        /// `job_complete` as stated by a job_status answer.
        job_complete: Option<bool>,
        /// `job_success` as stated by a job_status answer.
        job_success: Option<bool>,
        /// The provider's number or verdict word. NULL where none was stated or it was no code word.
        result_code: Option<String>,
        /// The reason: v3 `reason`, Jumio reject reason or face check, Advance.AI `errorCode`.
        error_code: Option<String>,
        /// The result's text, where the code catalogue holds it.
        result_text: Option<String>,
        /// Keyed digest of a text, code or reason that may not be stored, 16 hexadecimal digits; without a key 4 of an unkeyed one.
        withheld_digest: Option<String>,
        /// Its length in bytes.
        withheld_length: Option<i32>,
        /// `IsFinalResult` as stated.
        is_final_stated: Option<bool>,
        /// The `code` of the job_status or API call (2302, SUCCESS): says that the query worked, never a verdict.
        query_code: Option<String>,
        /// ISO 3166-1 alpha-2 (XK for Kosovo).
        country: Option<String>,
        /// The ID type as sent, upper case.
        id_type: Option<String>,
        /// Smile ID `ConfidenceValue`, 0 to 100; a `confidence_score` of 0 to 1 counts as a share.
        confidence: Option<f64>,
        /// Face similarity, 0 to 100 (Advance.AI) or 0 to 1 (Jumio), as stated.
        similarity_score: Option<f64>,
        /// Liveness score as stated (Advance.AI: 0 to 100).
        liveness_score: Option<f64>,
        /// KYX risk score, 0 to 100.
        risk_score: Option<f64>,
        /// Advance.AI `submissionCompleted`.
        submission_completed: Option<bool>,
        /// Advance.AI `pricingStrategy`.
        pricing_strategy: Option<String>,
        /// Jumio `merchantReportingCriteria`.
        merchant_reporting_criteria: Option<String>,
        /// Jumio `idScanSource` or transaction source.
        id_scan_source: Option<String>,
        /// First dimension named in `[dimensions]`.
        dimension_1: Option<String>,
        /// Second dimension named in `[dimensions]`.
        dimension_2: Option<String>,
        /// Third dimension named in `[dimensions]`.
        dimension_3: Option<String>,
        /// True where the payload carries a receipt link.
        has_receipt: bool,
        /// When it was stated, UTC; NULL where only a delivery's `received_at` can tell.
        event_time: Option<Micros>,
        /// `event_time` in microseconds since the epoch.
        event_time_us: Option<i64>,
        /// Where `event_time` comes from.
        event_time_source: Option<EventTimeSource>,
        /// When the verification was asked for, where stated (Jumio `transactionDate`, v3 `created_at`).
        requested_at: Option<Micros>,
        /// `requested_at` in microseconds since the epoch.
        requested_at_us: Option<i64>,
        /// Ten-minute window of `event_time` since the epoch.
        window_index: Option<i64>,
        /// Five-minute slot of `event_time` since the epoch.
        slot_index: Option<i64>,
        /// Month of `event_time`, `2026-10`; `unknown` where it has none.
        event_month: String,
    }
}

table! {
    /// One named check inside a payload: Smile ID `Actions`, Jumio `idCheck*` and `identityVerification`, Advance.AI `faceDetail`.
    Check = "checks" by Some("event_month"); {
        /// The ingest that wrote the row.
        batch_id: String,
        /// The payload it stands in.
        payload_key: String,
        /// The observation it belongs to: see `observations.position`.
        position: i32,
        /// Who sent it.
        provider: Provider,
        /// The provider's reference, as in `observations`.
        provider_job_id: Option<String>,
        /// The check's name as sent.
        name: String,
        /// The check's value, where it is one the provider documents.
        value: Option<String>,
        /// A reason or detail code.
        detail: Option<String>,
        /// Month of the payload's time; `unknown` where it has none.
        event_month: String,
    }
}

table! {
    /// One delivery of a stored payload: where its bytes are, what they are, which receipt link they carry.
    Receipt = "receipts" by Some("received_month"); {
        /// The ingest that wrote the row.
        batch_id: String,
        /// Identity of the payload; deliveries that share it are replays of one payload.
        payload_key: String,
        /// BLAKE3 of the body, hexadecimal.
        payload_digest: String,
        /// Length of the body in bytes.
        payload_bytes: i64,
        /// The file, as named on the command line or found below it; `-` for standard input. A store that names files after people keeps those names here.
        source: String,
        /// BLAKE3 of the whole input the payload was found in.
        input_digest: String,
        /// Byte offset of the payload in its (decompressed) file or member; of rows of Parquet, Arrow and SQLite in their lines of JSON.
        source_offset: i64,
        /// Number of the payload in its source, from 0, over all members.
        source_index: i64,
        /// Who sent it; NULL where nobody's.
        provider: Option<Provider>,
        /// What sort of message it is.
        kind: Kind,
        /// Observations that the payload states.
        observations: i32,
        /// When the store says it was received, UTC; or when a v3 webhook's header says it was sent, if that is earlier.
        received_at: Option<Micros>,
        /// `received_at` in microseconds since the epoch.
        received_at_us: Option<i64>,
        /// Ten-minute window of `received_at`.
        received_window: Option<i64>,
        /// Five-minute slot of `received_at`.
        received_slot: Option<i64>,
        /// Address of the sender, where the store kept it.
        sender_address: Option<String>,
        /// The form of its signature.
        signature_class: SignatureClass,
        /// The signed timestamp, exactly as sent.
        signature_timestamp: Option<String>,
        /// BLAKE3 of the signature, so that reuse is seen without keeping a live credential.
        signature_digest: Option<String>,
        /// Field that carried the receipt link: `KYCReceipt`, `kyc_receipt`, `kyb_receipt`.
        receipt_field: Option<String>,
        /// Partner in the receipt's URL, as sent.
        receipt_partner: Option<String>,
        /// SmileJobID in the receipt's URL.
        receipt_job_id: Option<String>,
        /// Environment in the receipt's URL.
        receipt_environment: Option<Environment>,
        /// The payload's environment.
        environment: Option<Environment>,
        /// The payload's partner.
        partner: Option<String>,
        /// Month of `received_at`; `unknown` where it has none.
        received_month: String,
        /// The way to the member of an archive, or the table of a database, that held it; NULL where the source is the file itself.
        source_member: Option<String>,
    }
}

table! {
    /// One declared availability of an ID authority (Smile ID `id_status`, Advance.AI health status).
    AuthorityStatus = "authority_status" by Some("event_month"); {
        /// The ingest that wrote the row.
        batch_id: String,
        /// Identity of the payload, request context included: two authorities can answer with equal bodies.
        payload_key: String,
        /// Who declared it.
        provider: Provider,
        /// `production`, `sandbox`, or NULL.
        environment: Option<Environment>,
        /// ISO 3166-1 alpha-2, from the stored request.
        country: Option<String>,
        /// ID type, from the stored request, upper case.
        id_type: Option<String>,
        /// The stated status: `online`, `interruption`, `offline`; Advance.AI `health`, `unstable`.
        status: Option<String>,
        /// Smile ID `last_check_status` (deprecated): `success` or `failure`.
        last_check_status: Option<String>,
        /// Share of lookups answered in the last hour, 0 to 1.
        last_hour_success_rate: Option<f64>,
        /// Share of lookups answered in the last window, 0 to 1.
        last_check_success_rate: Option<f64>,
        /// The window the provider speaks of, UTC.
        checked_at: Option<Micros>,
        /// `checked_at` in microseconds since the epoch.
        checked_at_us: Option<i64>,
        /// Ten-minute window of `checked_at`.
        window_index: Option<i64>,
        /// Five-minute slot of `checked_at`.
        slot_index: Option<i64>,
        /// Month of `checked_at`; `unknown` where it has none.
        event_month: String,
    }
}

table! {
    /// One refusal or acknowledgement of a request (22xx, 24xx, upload answers): no verification exists.
    Submission = "submissions" by Some("event_month"); {
        /// The ingest that wrote the row.
        batch_id: String,
        /// Identity of the payload.
        payload_key: String,
        /// Who answered.
        provider: Provider,
        /// `submission_ack` or `error_response`.
        kind: Kind,
        /// True for an acknowledgement, false for a refusal.
        accepted: bool,
        /// The provider's code or status word.
        code: Option<String>,
        /// The message, where the code catalogue holds it.
        message: Option<String>,
        /// The provider's reference, if one was given.
        provider_job_id: Option<String>,
        /// The company's reference.
        partner_job_id: Option<String>,
        /// `production`, `sandbox`, or NULL.
        environment: Option<Environment>,
        /// Account at the provider.
        partner: Option<String>,
        /// When it was stated, UTC; NULL where the answer has no time: the models take the earliest `received_at`.
        event_time: Option<Micros>,
        /// `event_time` in microseconds since the epoch.
        event_time_us: Option<i64>,
        /// Five-minute slot of `event_time`.
        slot_index: Option<i64>,
        /// Month of `event_time`; `unknown` where it has none.
        event_month: String,
    }
}

table! {
    /// One payload, or part of one, that could not be read. Nothing is dropped silently.
    Reject = "rejects" by Some("received_month"); {
        /// The ingest that wrote the row.
        batch_id: String,
        /// Identity of the payload.
        payload_key: String,
        /// BLAKE3 of the bytes, hexadecimal (of the first part, where they were too large to be read whole).
        payload_digest: String,
        /// Length in bytes, as far as read.
        payload_bytes: i64,
        /// Whose it looked like, if anybody's.
        provider: Option<Provider>,
        /// Why it could not be read.
        reason: RejectReason,
        /// What was looked for or where it broke; never a part of the payload.
        detail: String,
        /// The file.
        source: String,
        /// BLAKE3 of the whole input.
        input_digest: String,
        /// Byte offset of the payload in its (decompressed) file or member; of rows of Parquet, Arrow and SQLite in their lines of JSON.
        source_offset: i64,
        /// Number of the payload in its source, from 0, over all members.
        source_index: i64,
        /// Month of `received_at`; `unknown` where it has none.
        received_month: String,
        /// The way to the member of an archive, or the table of a database, that held it; NULL where the source is the file itself.
        source_member: Option<String>,
    }
}

table! {
    /// One field of a payload that no document names: how a provider's change is noticed. Its value is not kept.
    UnknownField = "unknown_fields" by Some("event_month"); {
        /// The ingest that wrote the row.
        batch_id: String,
        /// Identity of the payload.
        payload_key: String,
        /// Whose payload it is, if anybody's.
        provider: Option<Provider>,
        /// What sort of message it is; `unreadable` for a payload that nobody knows: then all of its fields are here.
        kind: Kind,
        /// Of a payload that nobody knows, a digest over the names of its fields: payloads of one shape share it.
        shape: Option<String>,
        /// The name as sent, `result.`, `history.`, `data.`, `document.`, `transaction.` or `verification.` before it where it stands in that part; `(withheld)` for one that is no code word or looks personal.
        field: String,
        /// When the payload was stated, UTC; NULL where it has no time: the models take the earliest `received_at`.
        event_time: Option<Micros>,
        /// `event_time` in microseconds since the epoch.
        event_time_us: Option<i64>,
        /// Five-minute slot of `event_time`.
        slot_index: Option<i64>,
        /// Month of `event_time`; `unknown` where it has none.
        event_month: String,
    }
}

table! {
    /// The code catalogue in force: what a code means.
    Code = "codes" by None; {
        /// The ingest that wrote the row; the newest batch's rows are in force.
        batch_id: String,
        /// Version of the catalogue: the first 12 digits of its BLAKE3.
        catalogue_version: String,
        /// Whose code.
        provider: String,
        /// A product, `*` for any, or one of the pseudo-products `submission`, `query`, `detail`, `action`.
        product: String,
        /// `result_code`, empty where none is stated, or `*`.
        code: String,
        /// `error_code`, empty where none is stated, or `*`.
        error_code: String,
        /// `result_text`, empty where none is stated, or `*`.
        text: String,
        /// The outcome; NULL where the code states none.
        outcome: Option<String>,
        /// True where the outcome decides a verification.
        is_final: bool,
        /// `id`, `face` or `whole`: the part of a job it speaks of.
        half: String,
        /// True for a human judgement, which supersedes the machine's.
        is_human: bool,
        /// `answered`, `unavailable`, `ambiguous`, `not_asked`; NULL where it cannot be told.
        authority_signal: Option<String>,
        /// `yes`, `no`; NULL where it is not known.
        billable: Option<String>,
        /// Whether to try again may help.
        retryable: Option<bool>,
        /// In words.
        meaning: String,
        /// Where this is documented or was seen.
        source: String,
    }
}

table! {
    /// One input file of a batch: known by content, so a renamed or re-delivered file adds nothing.
    Input = "inputs" by None; {
        /// The ingest that read it.
        batch_id: String,
        /// BLAKE3 of the stored bytes, before decompression.
        input_digest: String,
        /// Its name when it was first read.
        source: String,
        /// Length of the stored bytes.
        bytes: i64,
        /// Payloads found in it, those included that an earlier, shorter state of the file had brought.
        payloads: i64,
        /// `single`, `ndjson`, `json_array`, `csv` or `empty`.
        format: String,
        /// Where reading goes on when the file has grown: bytes up to the end of the last row that a line break ended. NULL
        /// where it cannot go on: compressed, a single document, a JSON array, nothing read.
        resume_offset: Option<i64>,
        /// Rows before `resume_offset`: the index of the next.
        resume_index: Option<i64>,
        /// BLAKE3 of the bytes before `resume_offset`.
        resume_digest: Option<String>,
    }
}

table! {
    /// One finished ingest.
    Batch = "batches" by None; {
        /// Time-ordered identifier of the ingest.
        batch_id: String,
        /// When it finished, UTC.
        finished_at: Micros,
        /// Payloads seen in inputs that were read.
        payloads_seen: i64,
        /// Payloads that were new.
        payloads_new: i64,
        /// Payloads that were already known: replays.
        payloads_known: i64,
        /// Payloads that could not be read.
        payloads_rejected: i64,
        /// Input files read.
        inputs_read: i64,
        /// Input files skipped because their content was known.
        inputs_known: i64,
        /// Version of the program.
        tool_version: String,
        /// Version of the code catalogue.
        catalogue_version: String,
        /// The version of every table once this row was committed, as `table=version` joined by `,`.
        table_versions: String,
        /// Rows that the batch wrote to every table, as `table=rows` joined by `,`.
        table_rows: String,
        /// The batch whose rows a reprocessing replaced by this one's.
        replaces: Option<String>,
        /// When it did, UTC; `finished_at` stays that of the ingest.
        replaced_at: Option<Micros>,
    }
}

words! {
    /// Why a payload was removed.
    Removal {
        /// Asked for by `mart erase`.
        Erase = "erase",
        /// Older than what `mart retention` keeps.
        Retention = "retention",
    }
}

words! {
    /// By what a payload was found that was to be removed.
    Selector { UserId = "user_id", JobId = "job_id", Age = "age" }
}

table! {
    /// One payload that was erased, and one batch that held rows of it: what keeps a source that is still there from bringing it back.
    Tombstone = "tombstones" by None; {
        /// Which erasure; its rows were written in one commit.
        erasure_id: String,
        /// Identity of the payload.
        payload_key: String,
        /// BLAKE3 of its body, hexadecimal.
        payload_digest: String,
        /// The batch that held these rows.
        batch_id: String,
        /// `erase` or `retention`.
        operation: Removal,
        /// What it was found by: `user_id`, `job_id` or `age`; the value itself is not kept.
        selector: Selector,
        /// The reason as given.
        reason: Option<String>,
        /// When, UTC.
        erased_at: Micros,
        /// BLAKE3 over the body's digest and the references that the payload states: tells it even where partner, environment or envelope are known otherwise later. NULL where it states none.
        job_digest: Option<String>,
        /// Rows of `receipts` that went.
        deliveries: i64,
        /// Rows of `observations` that went.
        observations: i64,
        /// Rows of `checks` that went.
        checks: i64,
        /// Rows of `authority_status` that went.
        authority_rows: i64,
        /// Rows of `submissions` that went.
        submissions: i64,
        /// Rows of `rejects` that went.
        rejects: i64,
        /// Rows of `unknown_fields` that went; NULL where it was erased before there was that table.
        unknown_fields: Option<i64>,
    }
}
