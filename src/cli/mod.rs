//! The command line: one file per subcommand, each with its arguments and a `run`.
//!
//! Exit codes: 0 the work is complete; 1 only where `--fail-on` asks for it and a finding is above its threshold (and
//! `inspect` on a payload that it cannot read); 2 the command line, configuration or SQL is wrong; 3 could not finish.

mod codes;
mod headline;
mod ingest;
mod inspect;
mod keys;
mod mart;
mod news;
mod nightly;
mod print;
mod progress;
mod query;
mod report;
mod sample;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::engine::models::Queries;
use crate::error::{Error, Result};
use crate::provider::catalogue::Catalogue;

const EXAMPLES: &str = "\
Examples:
  kycmart ingest payloads/ --mart mart          take in what is new below payloads/
  kycmart report --mart mart --out reports      write every report: page, workbook, CSV, Parquet
  kycmart nightly                               both, with the sources of kycmart.toml
  kycmart query --mart mart 'SELECT outcome, COUNT(*) FROM verifications GROUP BY outcome'
  kycmart inspect callback.json                 what one payload says, without a mart

Exit codes: 0 complete, 1 a finding above its threshold (--fail-on), 2 usage, 3 could not finish.";

/// An embedded data mart for stored KYC provider payloads: Smile ID, Advance.AI, Jumio.
#[derive(Debug, Parser)]
#[command(name = "kycmart", version, about, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// Configuration file; without it kycmart.toml in the working folder, if there is one.
    #[arg(long, global = true, env = "KYCMART_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of queries that override or join the compiled-in ones (models/*.sql, reports/*.sql).
    #[arg(long, global = true, env = "KYCMART_QUERIES", value_name = "DIR")]
    queries: Option<PathBuf>,
    /// CSV of result codes that override or join the catalogue; see `kycmart codes`.
    #[arg(long, global = true, env = "KYCMART_CODES", value_name = "FILE")]
    codes: Option<PathBuf>,
    /// Override a value of the configuration, such as reports.online_from=0.9 or limits.memory=2GB.
    #[arg(long, global = true, env = "KYCMART_SET", value_delimiter = ';', value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ingest(ingest::Arguments),
    Report(report::Arguments),
    Nightly(nightly::Arguments),
    Query(query::Arguments),
    Inspect(inspect::Arguments),
    Codes(codes::Arguments),
    Sample(sample::Arguments),
    Mart(mart::Arguments),
    Keys(keys::Arguments),
}

/// What every command may need.
pub struct Context {
    pub config: Config,
    pub catalogue: Catalogue,
    pub queries: Queries,
}

/// The mart's folder.
#[derive(Debug, Args)]
pub struct MartArgument {
    /// The mart's folder.
    #[arg(long, env = "KYCMART_MART", value_name = "DIR")]
    mart: Option<PathBuf>,
}

impl MartArgument {
    fn path(&self, config: &Config) -> Result<PathBuf> {
        let path = self.mart.clone().or_else(|| config.mart.clone());
        path.ok_or_else(|| Error::usage("no mart was named").hint("add --mart DIR, or mart = \"DIR\" to kycmart.toml"))
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("kycmart: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    let config = Config::load(cli.config.as_deref(), &cli.set)?;
    let queries = match cli.queries.as_deref().or(config.queries.as_deref()) {
        Some(folder) => Queries::with_folder(folder)?,
        None => Queries::builtin(),
    };
    let catalogue = match cli.codes.as_deref().or(config.codes.as_deref()) {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read the codes", path, &e))?;
            let catalogue = Catalogue::with_overrides(&text, &path.display().to_string());
            catalogue.map_err(|e| Error::usage(e.to_string()))?
        }
        None => Catalogue::builtin().clone(),
    };
    let context = Context { config, catalogue, queries };
    match cli.command {
        Command::Ingest(arguments) => ingest::run(&arguments, &context),
        Command::Report(arguments) => report::run(&arguments, &context),
        Command::Nightly(arguments) => nightly::run(&arguments, &context),
        Command::Query(arguments) => query::run(&arguments, &context),
        Command::Inspect(arguments) => inspect::run(&arguments, &context),
        Command::Codes(arguments) => codes::run(&arguments, &context),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Mart(arguments) => mart::run(&arguments, &context),
        Command::Keys(arguments) => keys::run(&arguments),
    }
}
