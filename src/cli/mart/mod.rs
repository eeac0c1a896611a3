//! `kycmart mart`: what a mart holds, and its care. One file per subcommand.

mod compact;
mod erase;
mod history;
mod info;
mod reprocess;
mod vacuum;
mod verify;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Context;
use super::print::lines;
use crate::error::Result;

const EXAMPLES: &str = "\
Examples:
  kycmart mart info --mart mart                what is in it, and which care it needs
  kycmart mart history --mart mart --limit 20  what was done to it, newest first
  kycmart mart verify --mart mart --sources    re-read everything, the recorded payloads too
  kycmart mart vacuum --mart mart              which files no version needs any more

What changes a mart takes its lock: a second program is told who holds it.";

/// Look at a mart, check it, and keep it in order.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Compact(compact::Arguments),
    Erase(erase::Arguments),
    Retention(erase::RetentionArguments),
    Info(info::Arguments),
    History(history::Arguments),
    Verify(verify::Arguments),
    Vacuum(vacuum::Arguments),
    Reprocess(reprocess::Arguments),
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    match &arguments.action {
        Action::Compact(arguments) => compact::run(arguments, context),
        Action::Erase(arguments) => erase::run(arguments, context),
        Action::Retention(arguments) => erase::retain(arguments, context),
        Action::Info(arguments) => info::run(arguments, context),
        Action::History(arguments) => history::run(arguments, context),
        Action::Verify(arguments) => verify::run(arguments, context),
        Action::Vacuum(arguments) => vacuum::run(arguments, context),
        Action::Reprocess(arguments) => reprocess::run(arguments, context),
    }
}

/// Prints an answer as JSON.
fn json(answer: &impl Serialize) -> Result<()> {
    lines(|out| {
        serde_json::to_writer_pretty(&mut *out, answer)?;
        writeln!(out)
    })
}
