//! kycmart: an embedded data mart for stored KYC provider payloads (Smile ID, Advance.AI, Jumio).
//!
//! ```text
//!  stored payloads            one pass, all cores, bounded memory              Delta tables
//!  files, NDJSON,    source    envelope   provider   normalise         mart    observations checks receipts
//!  arrays, CSV     ─────────▶ ─────────▶ ─────────▶ ─────────▶ rows  ───────▶  authority_status submissions
//!  (.gz, .zst)        bytes     context    facts     privacy                   rejects codes inputs batches
//!                                                                                       │
//!  page, workbook
//!  CSV Parquet  ◀── report ◀── small frames (Polars) ◀── engine (DuckDB) ◀── queries/ ──┘
//! ```
//!
//! Each arrow goes one way. [`source`] finds payloads, [`provider`] says what they state, [`normalise`] keeps what may be
//! kept ([`privacy`]) as rows ([`record`]), [`mart`] writes them in batches, [`engine`] runs the SQL of `queries/`,
//! [`report`] finishes and writes the results, [`cli`] is the program around it.

pub mod cli;
pub mod config;
pub mod engine;
pub mod envelope;
pub mod error;
pub mod fault;
pub mod identity;
pub mod ingest;
mod key_set;
pub mod mart;
pub mod normalise;
pub mod privacy;
pub mod provider;
pub mod pseudonym;
#[macro_use]
pub mod record;
pub mod report;
pub mod sample;
pub mod source;
pub mod stats;
