//! `kycmart sample`: an invented archive to try the program on.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use crate::error::{Error, Result};
use crate::sample::{Options, write};

const EXAMPLES: &str = "\
Examples:
  kycmart sample --out archive --payloads 2000 --seed 1
  kycmart sample --out photos --payloads 500 --seed 7 --photo-bytes 200000

The same options give the same bytes. All persons and numbers in it are invented.";

/// Write an invented archive of stored payloads: every provider, kind and outcome, with replays and outages.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder to write; it must be empty or not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Stored payloads, replays and broken ones included.
    #[arg(long, default_value_t = 2000)]
    payloads: u64,
    /// Another seed gives another archive.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Size of the photos in ID lookups; 0 for none.
    #[arg(long, default_value_t = 0)]
    photo_bytes: usize,
    /// Days that the archive covers.
    #[arg(long, default_value_t = 30)]
    days: u32,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<u8> {
    let options = Options {
        payloads: arguments.payloads,
        seed: arguments.seed,
        photo_bytes: arguments.photo_bytes,
        days: arguments.days,
    };
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(options.payloads) } else { ProgressBar::hidden() };
    let written = write(&arguments.out, &options, &|done| bar.set_position(done)).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Error::usage(e.to_string()),
        _ => Error::io("write the archive to", &arguments.out, &e),
    })?;
    bar.finish_and_clear();
    eprintln!(
        "sample: {} payloads of {} jobs in {} files ({} replays, {} broken) in {}",
        written.payloads,
        written.jobs,
        written.files,
        written.replays,
        written.broken,
        arguments.out.display()
    );
    Ok(0)
}
