//! Files that no version worth keeping needs, and their removal.
//!
//! Such a file was taken out of its table longer ago than the retention, or never was in it: a program that wrote it was
//! killed. What the newest version of a table lists is never touched. Not here: rows (`rewrite`, `erase`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use walkdir::WalkDir;

use super::delta::DeltaTable;
use super::history::{Commit, LogFiles};
use super::read::{read_file, times};
use super::reprocess::REPROCESS_ID;
use super::{FIRST_TABLE, Mart};
use crate::error::{Error, Result};
use crate::fault;
use crate::record::{Micros, Table, Tombstone};

/// Why a file is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A commit took it out of its table.
    Removed,
    /// A program was killed before it committed or finished it.
    NeverCommitted,
}

/// A file that is not needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unneeded {
    pub table: &'static str,
    /// Below the mart's folder.
    pub path: PathBuf,
    pub bytes: u64,
    pub why: Why,
    /// Microseconds since the epoch: when it was removed, or last written.
    pub since_us: i64,
    #[serde(skip)]
    full: PathBuf,
}

/// The first version of a table that is still whole, with all after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reach {
    pub table: &'static str,
    pub version: u64,
    pub newest: u64,
    /// When it was committed, UTC.
    pub time: Option<String>,
}

/// What a vacuum removes, or would remove.
#[derive(Clone, Debug, Serialize)]
pub struct Vacuum {
    pub files: Vec<Unneeded>,
    pub bytes: u64,
    /// Files that are younger than the retention.
    pub waiting_files: u64,
    pub waiting_bytes: u64,
    pub deleted: bool,
    /// How far back Delta time travel works after it.
    pub time_travel: Vec<Reach>,
    /// The moment from which `report --as-of` works after it; NULL where nothing bounds it.
    pub as_of_from: Option<String>,
}

impl Mart {
    /// Finds the files that are not needed, and removes them if `delete` says so. The caller then holds the lock.
    ///
    /// # Errors
    /// When a log or a folder cannot be read, the newest version of a table is not whole, or a file cannot be removed.
    pub fn vacuum(&self, keep: Duration, delete: bool) -> Result<Vacuum> {
        let now = chrono::Utc::now().timestamp_micros();
        let kept_since = now.saturating_sub(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
        // A file from the future is as old as any when nothing is to be kept.
        let is_old = |file: &Unneeded| keep.is_zero() || file.since_us <= kept_since;
        let (mut files, mut waiting, mut time_travel) = (Vec::new(), Vec::new(), Vec::new());
        let mut logs: BTreeMap<&str, Vec<Commit>> = BTreeMap::new();
        for table in &self.tables {
            let log = LogFiles::of(table.root())?;
            let commits = log.read()?;
            let (old, young): (Vec<_>, Vec<_>) = self.unneeded(table, &log, &commits)?.into_iter().partition(is_old);
            time_travel.push(reach(table, &log, &commits, &old));
            logs.insert(table.spec().name, commits);
            files.extend(old);
            waiting.extend(young);
        }
        let as_of_from = self.as_of_from(&logs, &time_travel)?.map(Micros::rfc3339);
        if delete {
            remove(&files)?;
        }
        let bytes = |files: &[Unneeded]| files.iter().map(|f| f.bytes).sum();
        Ok(Vacuum {
            bytes: bytes(&files),
            waiting_files: waiting.len() as u64,
            waiting_bytes: bytes(&waiting),
            files,
            deleted: delete,
            time_travel,
            as_of_from,
        })
    }

    /// The files in a table's folder that its newest version does not list.
    fn unneeded(&self, table: &DeltaTable, log: &LogFiles, commits: &[Commit]) -> Result<Vec<Unneeded>> {
        let listed: HashSet<PathBuf> = table.files(&self.log)?.into_iter().map(|f| f.path).collect();
        let name = table.spec().name;
        if let Some(missing) = listed.iter().find(|path| !path.is_file()) {
            return Err(Error::failed(format!("{name} lists a file that is not there: {}", missing.display()))
                .hint("nothing was deleted; see what else is damaged: kycmart mart verify"));
        }
        let removed: HashMap<PathBuf, Option<Micros>> =
            commits.iter().flat_map(|c| &c.removed).map(|(path, at)| (table.root().join(path), *at)).collect();
        // Of a log whose beginning was cleaned up nobody knows what it removed: at the latest, all before what is left.
        let oldest = commits.first().filter(|c| c.version > 0).and_then(|c| c.time).map_or(i64::MIN, |at| at.0);
        let mut found = Vec::new();
        for path in own_files(table.root())?.into_iter().chain(log.left_over.iter().cloned()) {
            if listed.contains(&path) {
                continue;
            }
            let failed = |e: std::io::Error| Error::io("read", &path, &e);
            let file = std::fs::metadata(&path).map_err(failed)?;
            let written: chrono::DateTime<chrono::Utc> = file.modified().map_err(failed)?.into();
            let written = written.timestamp_micros();
            let (why, since_us) = match removed.get(&path) {
                Some(at) => (Why::Removed, at.map_or(written, |at| at.0)),
                None => (Why::NeverCommitted, written.max(oldest)),
            };
            let short = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
            found.push(Unneeded { table: name, path: short, bytes: file.len(), why, since_us, full: path });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Moments before a reprocessing are seen by the versions that it found; those before an erasure not at all.
    fn as_of_from(&self, logs: &BTreeMap<&str, Vec<Commit>>, reaches: &[Reach]) -> Result<Option<Micros>> {
        let begin = |reach: &Reach| {
            let commits = logs.get(reach.table)?;
            let time = commits.iter().find(|c| c.version == reach.version).and_then(|c| c.time);
            // To find what a reprocessing found, any version of `batches` may be needed.
            (reach.version > 0).then_some(if reach.table == FIRST_TABLE { Micros(i64::MAX) } else { time? })
        };
        let begin = reaches.iter().filter(|reach| reach.table != Tombstone::NAME).filter_map(begin).max();
        let reprocessings = logs.get(FIRST_TABLE).into_iter().flatten();
        let reprocessings = reprocessings.filter(|c| c.application.as_deref() == Some(REPROCESS_ID));
        let mut from = reprocessings.filter_map(|c| c.time).filter(|at| begin.is_some_and(|begin| begin > *at)).max();
        for file in self.files(Tombstone::NAME)? {
            for rows in read_file(&file.path, &Tombstone::schema(), Some(&["erased_at"]))? {
                from = times(&rows?, "erased_at")?.iter().flatten().map(Micros).max().max(from);
            }
        }
        Ok(from)
    }
}

/// The files below a table's folder that a mart's programs write; whatever else lies there is not ours.
fn own_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !root.is_dir() {
        return Ok(files);
    }
    let walk = WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != "_delta_log");
    for entry in walk {
        let entry = entry.map_err(|e| Error::failed(format!("cannot read {}: {e}", root.display())))?;
        let name = entry.file_name().to_string_lossy();
        let own = name.ends_with(".parquet") || (name.starts_with(".part-") && name.ends_with(".tmp"));
        if entry.file_type().is_file() && own {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// A version is whole while the files are there that were removed after it.
fn reach(table: &DeltaTable, log: &LogFiles, commits: &[Commit], gone: &[Unneeded]) -> Reach {
    let gone: HashSet<&Path> = gone.iter().map(|f| f.full.as_path()).collect();
    let is_gone = |path: &PathBuf| {
        let path = table.root().join(path);
        gone.contains(path.as_path()) || !path.is_file()
    };
    let broken = commits.iter().rev().find(|c| c.removed.iter().any(|(path, _)| is_gone(path)));
    let first = if log.commits.contains_key(&0) { 0 } else { log.checkpoints.first().copied().unwrap_or(0) };
    let version = broken.map_or(first, |c| c.version.max(first));
    let time = commits.iter().find(|c| c.version == version).and_then(|c| c.time);
    Reach { table: table.spec().name, version, newest: table.version(), time: time.map(Micros::rfc3339) }
}

fn remove(files: &[Unneeded]) -> Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        fault::step("remove file");
        match std::fs::remove_file(&file.full) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("delete", &file.full, &e)),
            _ => folders.extend(file.full.parent()),
        }
    }
    // What was deleted must not come back with the power.
    for folder in folders.into_iter().filter(|_| cfg!(unix)) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Error::io("write", folder, &e))?;
    }
    Ok(())
}
