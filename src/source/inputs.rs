//! From the paths a user names to the list of files to read.
//!
//! Not here: what is in them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::SourceError;

/// One file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file; `None` is standard input.
    pub path: Option<PathBuf>,
    /// How it is named in tables, logs and errors: the path as given or found; `-` for standard input.
    pub display: String,
}

impl Input {
    /// A file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Input { display: path.display().to_string(), path: Some(path) }
    }

    /// Standard input.
    pub fn stdin() -> Self {
        Input { path: None, display: "-".into() }
    }
}

/// Lists the inputs behind the named sources: files as they are, folders with everything below them in the order of
/// their paths, patterns with `*`, `?`, `[…]` or `**` as what they match, `-` for standard input; each once. In folders,
/// hidden files, `*.tmp` and the journals of SQLite files are left out. A folder without files is no error.
///
/// # Errors
/// When a source does not exist, a pattern matches nothing, or a folder cannot be read.
pub fn find_inputs(sources: &[PathBuf]) -> Result<Vec<Input>, SourceError> {
    let mut inputs: Vec<Input> = Vec::new();
    for source in sources {
        if source == Path::new("-") {
            inputs.push(Input::stdin());
            continue;
        }
        match fs::metadata(source) {
            Ok(found) if found.is_dir() => inputs.extend(files_below(source)?.into_iter().map(Input::file)),
            Ok(_) => inputs.push(Input::file(source)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let matches = matching(source)?;
                if matches.is_empty() {
                    return Err(SourceError::Missing { path: source.display().to_string() });
                }
                inputs.extend(find_inputs(&matches)?);
            }
            Err(cause) => {
                return Err(SourceError::Unreadable { path: source.display().to_string(), cause });
            }
        }
    }
    let mut seen = HashSet::new();
    inputs.retain(|input| seen.insert(input.path.clone()));
    Ok(inputs)
}

/// What a pattern matches, in order; nothing where the source is none.
fn matching(source: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let Some(pattern) = pattern(source) else { return Ok(Vec::new()) };
    let unreadable =
        |path, cause: &dyn ToString| SourceError::Unreadable { path, cause: io::Error::other(cause.to_string()) };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found =
        glob::glob_with(pattern, options).map_err(|error| unreadable(source.display().to_string(), &error.msg))?;
    let matched = found.map(|path| path.map_err(|error| unreadable(error.path().display().to_string(), error.error())));
    matched.filter(|path| path.as_ref().map_or(true, |path| !is_left_out(path))).collect()
}

fn pattern(source: &Path) -> Option<&str> {
    source.to_str().filter(|text| text.contains(['*', '?', '[']))
}

/// How near a source is to a file that it covers: the number of its path's parts; `None` where the file is not below it.
pub fn covers(source: &Path, file: &Path) -> Option<usize> {
    let parts = source.components().count();
    let pattern = pattern(source).filter(|_| !source.exists()).and_then(|text| glob::Pattern::new(text).ok());
    let is_below = match pattern {
        Some(pattern) => file.ancestors().any(|above| pattern.matches_path(above)),
        None => file.starts_with(source),
    };
    is_below.then_some(parts)
}

/// Links are followed, but each folder is entered once, however many ways lead to it.
fn files_below(root: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let mut entered = HashSet::new();
    let mut wanted = |entry: &DirEntry| {
        let hidden = entry.depth() > 0 && is_hidden(entry.file_name());
        let mut is_new = || fs::canonicalize(entry.path()).map_or(true, |real| entered.insert(real));
        !hidden && (!entry.file_type().is_dir() || (is_new() && !(entry.depth() > 0 && is_own(entry.path()))))
    };
    let walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    let mut files = Vec::new();
    for entry in walk.filter_entry(&mut wanted) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && !is_left_out(entry.path()) => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => files.extend(dangling(error, root)?),
        }
    }
    files.sort();
    Ok(files)
}

/// What cannot be entered below a source (a link to nothing or to itself, a forbidden folder) is listed, so that reading it
/// says so and the rest is read; only the source itself is an error here.
fn dangling(error: walkdir::Error, root: &Path) -> Result<Option<PathBuf>, SourceError> {
    let path = error.path().unwrap_or(root).to_path_buf();
    if error.depth() == 0 {
        let cause = error.into_io_error().unwrap_or_else(|| io::Error::other("not readable"));
        return Err(SourceError::Unreadable { path: path.display().to_string(), cause });
    }
    let skipped = is_left_out(&path) || path.file_name().is_some_and(is_hidden);
    Ok((!skipped).then_some(path))
}

/// Whether a folder below a source is the program's own: a table of a mart, or the reports of a run.
fn is_own(folder: &Path) -> bool {
    folder.join("_delta_log").is_dir() || folder.join("run.json").is_file()
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

/// Files that are not whole, or belong to another: `*.tmp`, and what SQLite keeps beside a file.
fn is_left_out(path: &Path) -> bool {
    let journal = |ending: &str| {
        let of = path.to_str().and_then(|path| path.strip_suffix(ending));
        of.is_some_and(|of| Path::new(of).is_file())
    };
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tmp"))
        || ["-wal", "-shm", "-journal"].into_iter().any(journal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[Input], root: &Path) -> Vec<String> {
        let below =
            |input: &Input| input.path.as_ref().map(|p| p.strip_prefix(root).unwrap_or(p).display().to_string());
        inputs.iter().map(|input| below(input).unwrap_or_else(|| "-".into())).collect()
    }

    fn write(root: &Path, name: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }

    #[test]
    fn folders_are_read_recursively_in_the_order_of_their_paths() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.json", "a/z.form", "a/y/x", ".hidden", ".git/config", "a/half.json.tmp", "c.JSON.TMP"] {
            write(dir.path(), name);
        }
        let inputs = find_inputs(&[dir.path().into()]).unwrap();
        assert_eq!(names(&inputs, dir.path()), ["a/y/x", "a/z.form", "b.json"]);
        assert_eq!(inputs[2].display, dir.path().join("b.json").display().to_string());
    }

    #[test]
    fn patterns_are_what_they_match_and_cover_it() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/1.json", "a/2.csv", "b/c/3.json", "b/.h.json", "x[1].json", "db", "db-wal", "notes-wal"] {
            write(dir.path(), name);
        }
        let found = |pattern: &str| {
            find_inputs(&[dir.path().join(pattern)]).map(|inputs| names(&inputs, dir.path())).map_err(|e| e.to_string())
        };
        assert_eq!(found("*/*.json").unwrap(), ["a/1.json"]);
        assert_eq!(found("**/*.json").unwrap(), ["a/1.json", "b/c/3.json", "x[1].json"]);
        assert_eq!(found("b*").unwrap(), ["b/c/3.json"]);
        assert_eq!(found("x[1].json").unwrap(), ["x[1].json"]);
        assert_eq!(found("[dn]*").unwrap(), ["db", "notes-wal"]);
        assert!(found("*.xml").unwrap_err().contains("no such file"));
        let covers = |source: &str, file: &str| covers(&dir.path().join(source), &dir.path().join(file)).is_some();
        assert!(covers("a", "a/1.json") && covers("*/*.json", "a/1.json") && covers("b*", "b/c/3.json"));
        assert!(!covers("a", "b/c/3.json") && !covers("*.csv", "a/1.json"));
    }

    #[test]
    fn marts_and_reports_below_a_source_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["a.json", "mart/checks/_delta_log/0.json", "mart/checks/x.parquet", "out/1/run.json", "out/1/r.csv"]
        {
            write(dir.path(), name);
        }
        assert_eq!(names(&find_inputs(&[dir.path().into()]).unwrap(), dir.path()), ["a.json"]);
    }

    #[test]
    fn what_is_named_is_read_whatever_its_name_and_once() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "b.tmp");
        write(dir.path(), ".data/a.json");
        let sources: Vec<PathBuf> =
            vec!["-".into(), dir.path().join("b.tmp"), dir.path().join(".data"), dir.path().join("b.tmp"), "-".into()];
        assert_eq!(names(&find_inputs(&sources).unwrap(), dir.path()), ["-", "b.tmp", ".data/a.json"]);
    }

    #[test]
    fn an_empty_folder_has_no_inputs() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(find_inputs(&[dir.path().into()]).unwrap(), []);
    }

    #[test]
    fn a_missing_path_is_named_with_a_remedy() {
        let error = find_inputs(&["no/such/place".into()]).unwrap_err().to_string();
        assert!(error.starts_with("no/such/place: ") && error.contains("Check the path"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_without_going_round_in_circles() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let far = tempfile::tempdir().unwrap();
        write(far.path(), "far.json");
        write(dir.path(), "a/near.json");
        symlink(dir.path(), dir.path().join("a/up")).unwrap();
        symlink(far.path(), dir.path().join("link")).unwrap();
        symlink(far.path(), dir.path().join("second")).unwrap();
        symlink("nothing", dir.path().join("gone.json")).unwrap();
        let inputs = find_inputs(&[dir.path().into()]).unwrap();
        assert_eq!(names(&inputs, dir.path()), ["a/near.json", "gone.json", "link/far.json"]);
    }
}
