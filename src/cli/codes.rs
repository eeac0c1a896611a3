//! `kycmart codes`: the code catalogue in force.

use clap::Args;

use super::Context;
use super::ingest::word;
use super::print::{self, Style};
use crate::error::{Error, Result};
use crate::record::{Provider, Table};

const EXAMPLES: &str = "\
Examples:
  kycmart codes 0812
  kycmart codes --provider jumio --format csv > my-codes.csv

The CSV can be edited and given back with --codes FILE: a row with the same provider, product, code, error_code and text
replaces the catalogue's, others join it.";

/// Print what result codes mean.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only rows with this result or error code.
    code: Option<String>,
    /// Only one provider: smile_id, advance_ai, jumio.
    #[arg(long, value_parser = word::<Provider>, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Style,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let mut rows = context.catalogue.rows("");
    rows.retain(|row| {
        arguments.provider.is_none_or(|p| row.provider == p.word())
            && arguments.code.as_ref().is_none_or(|c| row.code == *c || row.error_code == *c)
    });
    if rows.is_empty() {
        return Err(Error::usage("the catalogue holds no such code").hint("kycmart codes prints them all"));
    }
    let batch = crate::record::Code::batch(&rows);
    // Without the two columns that only a mart fills.
    let shown: Vec<usize> = (2..batch.num_columns()).collect();
    print::print(&[batch.project(&shown)?], arguments.format, &mut std::io::BufWriter::new(std::io::stdout()))?;
    Ok(0)
}
