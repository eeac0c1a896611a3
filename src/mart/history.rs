//! What was done to a mart: its batches, and the commits in the logs of its tables.
//!
//! Logs are read as they lie on disk, one version after the other. Not here: which files a version consists of (`delta`),
//! whether a log is whole (`verify`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::delta::FORMAT_ID;
use super::{INGEST_ID, Mart};
use crate::error::{Error, Result};
use crate::record::{Batch, Micros};

/// One commit of a table, as its log tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    pub version: u64,
    /// NULL where the log does not say.
    pub time: Option<Micros>,
    /// Delta's word for what was done.
    pub operation: String,
    /// Program and version.
    pub engine: String,
    /// Application id of its `txn` action.
    pub application: Option<String>,
    pub files_added: u64,
    /// Files that the table has no more, and since when.
    pub removed: Vec<(PathBuf, Option<Micros>)>,
}

/// What lies in the log folder of a table.
#[derive(Clone, Debug, Default)]
pub struct LogFiles {
    pub commits: BTreeMap<u64, PathBuf>,
    pub checkpoints: BTreeSet<u64>,
    /// What `_last_checkpoint` says.
    pub last_checkpoint: Option<u64>,
    /// Files that a killed program was writing.
    pub left_over: Vec<PathBuf>,
}

impl LogFiles {
    /// Lists the log of a table; of one that is not there, nothing.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of(table: &Path) -> Result<Self> {
        let log = table.join("_delta_log");
        let mut files = LogFiles::default();
        if !log.is_dir() {
            return Ok(files);
        }
        let failed = |e: std::io::Error| Error::io("read", &log, &e);
        for entry in std::fs::read_dir(&log).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (number, rest) = name.split_once('.').unwrap_or((&name, ""));
            match number.parse::<u64>() {
                _ if name.contains('#') => files.left_over.push(path),
                Ok(version) if number.len() == 20 && rest == "json" => {
                    files.commits.insert(version, path);
                }
                Ok(version) if number.len() == 20 && rest.starts_with("checkpoint.") => {
                    files.checkpoints.insert(version);
                }
                _ => {}
            }
        }
        #[derive(Deserialize)]
        struct Hint {
            version: u64,
        }
        let hint = std::fs::read(log.join("_last_checkpoint")).ok();
        files.last_checkpoint = hint.and_then(|hint| serde_json::from_slice::<Hint>(&hint).ok()).map(|h| h.version);
        Ok(files)
    }

    /// The commits, oldest first.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(&self) -> Result<Vec<Commit>> {
        let read = |(version, path): (&u64, &PathBuf)| {
            let damaged = |what: String| {
                Error::failed(format!("{}: {what}", path.display()))
                    .hint("see what else is damaged: kycmart mart verify")
            };
            read_commit(*version, path).map_err(damaged)
        };
        self.commits.iter().map(read).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Info>,
    add: Option<serde::de::IgnoredAny>,
    remove: Option<Remove>,
    txn: Option<Txn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    timestamp: Option<i64>,
    in_commit_timestamp: Option<i64>,
    operation: Option<String>,
    engine_info: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remove {
    path: String,
    deletion_timestamp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn {
    app_id: String,
}

/// Reads one commit; what is wrong with it is the error.
pub(super) fn read_commit(version: u64, path: &Path) -> std::result::Result<Commit, String> {
    let text = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
    let mut commit = Commit { version, ..Commit::default() };
    let millis = |at: i64| Micros(at.saturating_mul(1000));
    let mut lines = 0;
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        lines += 1;
        let line: Line = serde_json::from_slice(line).map_err(|_| format!("line {lines} is damaged"))?;
        if let Some(info) = line.commit_info {
            commit.time = info.in_commit_timestamp.or(info.timestamp).map(millis);
            commit.operation = info.operation.unwrap_or_default();
            commit.engine = info.engine_info.unwrap_or_default();
        }
        commit.files_added += u64::from(line.add.is_some());
        if let Some(file) = line.remove {
            let path = percent_encoding::percent_decode_str(&file.path).decode_utf8_lossy().into_owned();
            commit.removed.push((path.into(), file.deletion_timestamp.map(millis)));
        }
        commit.application = line.txn.map(|txn| txn.app_id).filter(|id| id != FORMAT_ID).or(commit.application);
    }
    if lines == 0 {
        return Err("it is empty".to_owned());
    }
    // Not every writer states a file's time of removal or a commit's own: then the commit's file tells.
    if commit.time.is_none() {
        let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
        commit.time = modified.map(|at| Micros(chrono::DateTime::<chrono::Utc>::from(at).timestamp_micros()));
    }
    let time = commit.time;
    commit.removed.iter_mut().filter(|(_, at)| at.is_none()).for_each(|(_, at)| *at = time);
    Ok(commit)
}

/// One thing that was done.
#[derive(Clone, Debug)]
pub enum Event {
    /// An ingest that counts.
    Batch(Batch),
    /// Any other change of a table.
    Commit(&'static str, Commit),
}

impl Event {
    /// When.
    pub fn time(&self) -> Micros {
        match self {
            Event::Batch(batch) => batch.finished_at,
            Event::Commit(_, commit) => commit.time.unwrap_or(Micros(0)),
        }
    }
}

impl Mart {
    /// All that was done, newest first. The commits of an ingest are told by its batch.
    ///
    /// # Errors
    /// When a log or the table `batches` cannot be read.
    pub fn history(&self) -> Result<Vec<Event>> {
        let mut events: Vec<Event> = self.batches()?.into_iter().map(Event::Batch).collect();
        for table in &self.tables {
            let commits = LogFiles::of(table.root())?.read()?.into_iter();
            let commits = commits.filter(|commit| commit.application.as_deref() != Some(INGEST_ID));
            events.extend(commits.map(|commit| Event::Commit(table.spec().name, commit)));
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.time()));
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(text: &str) -> std::result::Result<Commit, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00000000000000000007.json");
        std::fs::write(&path, text).unwrap();
        read_commit(7, &path)
    }

    #[test]
    fn a_commit_tells_what_was_done_and_since_when_files_are_gone() {
        let found = commit(
            "{\"commitInfo\":{\"timestamp\":5000,\"operation\":\"OPTIMIZE\",\"engineInfo\":\"x/1\"}}\n\
             {\"txn\":{\"appId\":\"kycmart-compact\",\"version\":3}}\n{\"txn\":{\"appId\":\"kycmart-format\",\"version\":2}}\n\
             {\"add\":{\"path\":\"a\"}}\n{\"remove\":{\"path\":\"m=1/b%20c\",\"deletionTimestamp\":4000}}\n{\"remove\":{\"path\":\"d\"}}\n",
        );
        let found = found.unwrap();
        assert_eq!((found.version, found.time, found.files_added), (7, Some(Micros(5_000_000)), 1));
        assert_eq!((found.operation.as_str(), found.application.as_deref()), ("OPTIMIZE", Some("kycmart-compact")));
        let removed = [("m=1/b c", 4_000_000), ("d", 5_000_000)].map(|(p, at)| (PathBuf::from(p), Some(Micros(at))));
        assert_eq!(found.removed, removed);
    }

    #[test]
    fn a_damaged_commit_says_where() {
        assert_eq!(commit("").unwrap_err(), "it is empty");
        assert_eq!(commit("{\"txn\":{\"appId\":\"a\"}}\n{\"add\":{\"pa").unwrap_err(), "line 2 is damaged");
    }
}
