//! `kycmart keys`: the file with the ring of pseudonym keys.
//!
//! A key file is only ever replaced as a whole, and a new key is on disk before any row is rewritten with it: whatever is
//! interrupted, the file still has every key that stored rows need. Not here: what a ring computes (`pseudonym`).

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};

use super::print::{self, Style};
use crate::error::{Error, Result};
use crate::fault;
use crate::mart::Mart;
use crate::pseudonym::{PseudonymKey, with_key};

const EXAMPLES: &str = "\
Examples:
  kycmart keys new pseudonym.key
  kycmart keys rotate pseudonym.key --mart mart
  kycmart keys rewrap pseudonym.key --mart other-mart
  kycmart keys show pseudonym.key

A key file holds every key that was ever in force, oldest first. Keep it outside the mart and keep a copy of it: without it
new pseudonyms match no stored ones.";

const NEW_EXAMPLES: &str = "\
Examples:
  kycmart keys new pseudonym.key
  kycmart ingest payloads/ --mart mart --key-file pseudonym.key";

const ROTATE_EXAMPLES: &str = "\
Examples:
  kycmart keys rotate pseudonym.key --mart mart
  kycmart keys rotate pseudonym.key --mart lagos/mart --mart nairobi/mart

Name every mart whose pseudonyms were made with this file. A mart that was not named, or not reached because the run was
interrupted, is brought up with: kycmart keys rewrap FILE --mart DIR";

const REWRAP_EXAMPLES: &str = "\
Examples:
  kycmart keys rewrap pseudonym.key --mart mart

To run it again changes nothing.";

const SHOW_EXAMPLES: &str = "\
Examples:
  kycmart keys show pseudonym.key
  kycmart query --mart mart 'SELECT pseudonym_key_id, COUNT(*) AS n FROM observations GROUP BY pseudonym_key_id'";

/// Make, rotate and show the keys for pseudonyms.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new key file with one random key.
    #[command(after_help = NEW_EXAMPLES)]
    New {
        /// The key file to make; it must not exist.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Add a random key to a key file and bring the pseudonyms of marts under it.
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate {
        /// The key file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A mart whose pseudonyms follow; may be given several times.
        #[arg(long = "mart", value_name = "DIR")]
        marts: Vec<PathBuf>,
    },
    /// Bring the pseudonyms of marts under the newest key of a key file, without adding one.
    #[command(after_help = REWRAP_EXAMPLES)]
    Rewrap {
        /// The key file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A mart whose pseudonyms follow; may be given several times.
        #[arg(long = "mart", value_name = "DIR", required = true)]
        marts: Vec<PathBuf>,
    },
    /// Print the ids that rows carry, one per key; never a key.
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// The key file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How to print.
        #[arg(long, value_enum, default_value = "table")]
        format: Style,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<u8> {
    match &arguments.action {
        Action::New { file } => new(file),
        Action::Rotate { file, marts } => rotate(file, marts),
        Action::Rewrap { file, marts } => {
            let ring = PseudonymKey::from_file(file)?;
            rewrap(file, marts, &ring)
        }
        Action::Show { file, format } => show(file, *format),
    }?;
    Ok(0)
}

fn new(path: &Path) -> Result<()> {
    let text = with_key(None, &today(), random_secret()?.as_bytes())?;
    let ring = PseudonymKey::parse(&text)?;
    write(path, &text, None)?;
    say(ring.id());
    let file = path.display();
    eprintln!("keys: {file} holds the new key with this id; only its owner can read it");
    eprintln!("keys: next, copy it to a safe place that is not the mart's, and use it: --key-file {file},");
    eprintln!("keys: or key_file = \"{file}\" below [pseudonyms] in kycmart.toml");
    Ok(())
}

fn rotate(path: &Path, marts: &[PathBuf]) -> Result<()> {
    // What is known to fail fails before there is a new key.
    for mart in marts {
        Mart::open(mart)?;
    }
    // Behind a symbolic link stands the file that is to be replaced.
    let path = &path.canonicalize().map_err(|e| no_key_file(path, &e))?;
    let locked = lock(path)?;
    let text = std::fs::read(path).map_err(|e| Error::io("read the pseudonym key", path, &e))?;
    let old = PseudonymKey::parse(&text).map_err(|e| e.within(&path.display().to_string()))?;
    let text = with_key(Some(&text), &today(), random_secret()?.as_bytes())?;
    let ring = PseudonymKey::parse(&text)?;
    if !ring.prefixes().iter().any(|prefix| prefix.id() == old.id()) {
        return Err(Error::failed("the new key file would not continue the old one; nothing was changed"));
    }
    warn_if_open(path, &locked);
    write(path, &text, Some(&locked))?;
    fault::step("keys written");
    say(&format!("old {}\nnew {}", old.id(), ring.id()));
    eprintln!("keys: {} holds {} keys now; replace your copies of it", path.display(), ring.prefixes().len());
    if marts.is_empty() {
        eprintln!("keys: next, before anything is ingested: {}", rewrap_command(path, &[PathBuf::from("DIR")]));
    }
    rewrap(path, marts, &ring)
}

fn rewrap(path: &Path, marts: &[PathBuf], ring: &PseudonymKey) -> Result<()> {
    for (done, mart) in marts.iter().enumerate() {
        match crate::mart::rewrap::rewrap(mart, ring) {
            Ok(rows) => eprintln!("keys: {}: {rows} rows brought under key {}", mart.display(), ring.id()),
            Err(error) => {
                eprintln!(
                    "keys: the key file is complete, marts are not; then run: {}",
                    rewrap_command(path, &marts[done..])
                );
                return Err(error.within(&mart.display().to_string()));
            }
        }
    }
    Ok(())
}

fn rewrap_command(path: &Path, marts: &[PathBuf]) -> String {
    let marts: String = marts.iter().map(|mart| format!(" --mart {}", mart.display())).collect();
    format!("kycmart keys rewrap {}{marts}", path.display())
}

fn show(path: &Path, format: Style) -> Result<()> {
    let prefixes = PseudonymKey::from_file(path)?.prefixes();
    let numbers = Int64Array::from_iter_values((1..).take(prefixes.len()));
    let ids = StringArray::from_iter_values(prefixes.iter().map(PseudonymKey::id));
    let newest = prefixes.len() - 1;
    let states = (0..prefixes.len()).map(|index| if index == newest { "in force" } else { "wrapped" });
    let rows = RecordBatch::try_from_iter([
        ("keys", Arc::new(numbers) as ArrayRef),
        ("key_id", Arc::new(ids)),
        ("state", Arc::new(StringArray::from_iter_values(states))),
    ])?;
    print::print(&[rows], format, &mut std::io::stdout())
}

/// Prints a result; a closed pipe must not end what is under way.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn today() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}

/// 32 random bytes as base64.
fn random_secret() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::failed(format!("the system gives no random bytes: {e}")))?;
    Ok(STANDARD.encode(bytes))
}

/// Takes the key file, so that of two rotations at once none loses the other's key.
fn lock(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|e| no_key_file(path, &e))?;
    match file.try_lock() {
        Ok(()) if is_still(path, &file)? => Ok(file),
        Ok(()) | Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::failed(format!("{} is being rotated by another program", path.display()))
                .hint("see with kycmart keys show whether that was meant; run again to add one more key"))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(Error::io("lock the key file", path, &e)),
    }
}

fn no_key_file(path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Error::usage(format!("there is no key file {}", path.display()))
            .hint(format!("make one with: kycmart keys new {}", path.display()));
    }
    Error::io("read the pseudonym key", path, error)
}

/// Writes a key file that only its owner can read: wholly or not at all. `old` is the one it replaces; without it there must
/// be none.
fn write(path: &Path, text: &[u8], old: Option<&File>) -> Result<()> {
    let failed = |e: std::io::Error| Error::io("write the key file", path, &e);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file has mode 0600 from its beginning.
    let mut new = tempfile::Builder::new().prefix(".kycmart-keys-").tempfile_in(folder).map_err(failed)?;
    if let Some(old) = old {
        keep_owner(old, new.as_file()).map_err(|e| failed(e).hint("run it as the owner of the key file"))?;
    }
    new.write_all(text).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
    let placed = if old.is_some() { new.persist(path) } else { new.persist_noclobber(path) };
    placed.map_err(|e| match e.error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::usage(format!("{} exists and is not overwritten", path.display()))
            .hint("name another file; to put a new key in force: kycmart keys rotate FILE --mart DIR"),
        _ => failed(e.error),
    })?;
    sync_folder(folder).map_err(failed)
}

#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let inode = |m: std::io::Result<std::fs::Metadata>| {
        m.map(|m| (m.dev(), m.ino())).map_err(|e| Error::io("read the pseudonym key", path, &e))
    };
    Ok(inode(std::fs::metadata(path))? == inode(file.metadata())?)
}

#[cfg(unix)]
fn warn_if_open(path: &Path, file: &File) {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_or(0, |m| m.mode() & 0o777);
    if mode & 0o077 != 0 {
        eprintln!(
            "keys: warning: others than its owner could use {} (mode {mode:o}); now only its owner can",
            path.display()
        );
    }
}

#[cfg(unix)]
fn keep_owner(old: &File, new: &File) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (old, user) = (old.metadata()?, new.metadata()?.uid());
    if old.uid() == user { Ok(()) } else { fchown(new, Some(old.uid()), Some(old.gid())) }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn is_still(_path: &Path, _file: &File) -> Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn warn_if_open(_path: &Path, _file: &File) {}

#[cfg(not(unix))]
fn keep_owner(_old: &File, _new: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}
