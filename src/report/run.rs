//! The folder of one run: written beside, renamed into place, and only then named by `latest`.
//!
//! A reader of `latest` sees a whole run or the one before it. `run.json` holds everything volatile and nothing else does.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::set::Disclosure;
use crate::error::{Error, Result};

/// A run's folder while it is being written.
pub struct RunFolder {
    out: PathBuf,
    name: String,
    staging: tempfile::TempDir,
}

impl RunFolder {
    /// Makes a hidden folder beside the future one.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn create(out: &Path, name: String) -> Result<Self> {
        std::fs::create_dir_all(out).map_err(|e| Error::io("create", out, &e))?;
        remove_abandoned(out);
        let staging =
            tempfile::Builder::new().prefix(".run-").tempdir_in(out).map_err(|e| Error::io("write to", out, &e))?;
        Ok(RunFolder { out: out.to_owned(), name, staging })
    }

    /// Where files are written until the run is published.
    pub fn path(&self) -> &Path {
        self.staging.path()
    }

    /// The run's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes `run.json`, moves the folder to its name and switches `latest` to it.
    ///
    /// # Errors
    /// When the folder cannot be moved.
    pub fn publish(self, run: &impl Serialize) -> Result<PathBuf> {
        let json = serde_json::to_vec_pretty(run).map_err(|e| Error::failed(format!("run.json: {e}")))?;
        let file = self.path().join("run.json");
        std::fs::write(&file, json).map_err(|e| Error::io("write", &file, &e))?;
        // It counts what was found, however few that are.
        set_mode(&file, 0o600)?;
        let target = self.out.join(&self.name);
        let staged = self.staging.keep();
        make_readable(&staged)?;
        std::fs::rename(&staged, &target).map_err(|e| Error::io("write", &target, &e))?;
        switch_latest(&self.out, &self.name)?;
        Ok(target)
    }
}

/// How long a run may take: an older folder under its hidden name was left by one that was killed.
const ABANDONED: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Removes what killed runs left behind, as far as that can be done.
fn remove_abandoned(out: &Path) {
    let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".run-")) {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes the folder of a set; that of full figures is its owner's alone.
///
/// # Errors
/// When it cannot be made.
pub fn make_set_folder(run: &Path, set: Disclosure) -> Result<()> {
    let folder = run.join(set.folder());
    std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, &e))?;
    if set == Disclosure::Internal { set_mode(&folder, 0o700) } else { Ok(()) }
}

/// Temporary folders are private; reports are for others to read.
fn make_readable(folder: &Path) -> Result<()> {
    set_mode(folder, 0o755)
}

/// Who may read a file or folder, where the system knows such a thing.
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).map_err(|e| Error::io("publish", path, &e))?;
    }
    Ok(())
}

#[cfg(unix)]
fn switch_latest(out: &Path, name: &str) -> Result<()> {
    let (link, next) = (out.join("latest"), out.join(format!(".latest-{name}")));
    let _ = std::fs::remove_file(&next);
    std::os::unix::fs::symlink(name, &next).map_err(|e| Error::io("write", &next, &e))?;
    std::fs::rename(&next, &link).map_err(|e| Error::io("switch", &link, &e))
}

#[cfg(not(unix))]
fn switch_latest(out: &Path, name: &str) -> Result<()> {
    let (file, next) = (out.join("latest"), out.join(format!(".latest-{name}")));
    std::fs::write(&next, name).map_err(|e| Error::io("write", &next, &e))?;
    std::fs::rename(&next, &file).map_err(|e| Error::io("switch", &file, &e))
}
