//! What the tests share: the program, folders that go away, the corpus, report files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The outcome of one run of the program.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs the program in a folder; what the machine has configured plays no part.
pub fn kycmart_in(folder: &Path, arguments: &[&str]) -> Run {
    let output = command(folder, arguments).output().expect("the program starts");
    finished(output)
}

/// Runs the program with text on its standard input.
pub fn kycmart_with_input(folder: &Path, arguments: &[&str], input: &[u8]) -> Run {
    use std::io::Write;
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("it listens").write_all(input).expect("it reads");
    finished(child.wait_with_output().expect("it ends"))
}

/// The program, ready to run.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kycmart"));
    command.current_dir(folder).args(arguments);
    for name in ["CONFIG", "MART", "OUT", "QUERIES", "CODES", "KEY_FILE", "TIME_ZONE"] {
        command.env_remove(format!("KYCMART_{name}"));
    }
    // Full figures beside those for circulation.
    command.env("KYCMART_INTERNAL", "true");
    command
}

fn finished(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// The run, if it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// A folder that goes away with its handle.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The corpus of published payloads, or `None` with a line that says so. Where `KYCMART_REQUIRE_CORPUS` is set, missing is a
/// failure.
pub fn corpus(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("KYCMART_CORPUS").map_or(default, PathBuf::from);
    if folder.join("INDEX.tsv").is_file() {
        return Some(folder);
    }
    assert!(std::env::var_os("KYCMART_REQUIRE_CORPUS").is_none(), "{test}: the corpus is not at {}", folder.display());
    println!("{test}: skipped, no corpus at {}", folder.display());
    None
}

/// A program that a test wants and a machine may lack: named by `variable`, obtained by `make tools`, or on the path under one
/// of these names. `None` with a line that says so; where `KYCMART_TOOLS_REQUIRED` is set, missing is a failure.
pub fn tool(test: &str, variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::iter::once(target.join("tools")).chain(std::env::split_paths(&path)).collect();
    let found = folders.iter().flat_map(|f| names.iter().map(|name| f.join(name))).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("KYCMART_TOOLS_REQUIRED").is_none(), "{test}: no {}; run: make tools", names[0]);
        println!("{test}: skipped: no {} ({variable}, or on PATH); run: make tools", names[0]);
    }
    found
}

/// All files of a run but `run.json`, by name; those of the full figures without their folder's name.
pub fn report_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for (set, prefix) in [("internal", ""), ("circulation", "circulation/")] {
        for file in std::fs::read_dir(folder.join(set)).expect("a set") {
            let path = file.expect("a file").path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

/// A CSV as rows of `column → cell`.
pub fn csv_rows(text: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text);
    let names = reader.headers().expect("a header").clone();
    let row =
        |record: csv::StringRecord| names.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| row(record.expect("a record"))).collect()
}

/// The rows of one report of the newest run, full figures.
pub fn report(out: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    csv_rows(&std::fs::read(out.join("latest/internal").join(format!("{name}.csv"))).expect("the report"))
}

/// The answer of `kycmart query` as rows.
#[track_caller]
pub fn query(folder: &Path, mart: &str, sql: &str) -> Vec<BTreeMap<String, String>> {
    csv_rows(kycmart_in(folder, &["query", "--mart", mart, sql, "--format", "csv"]).expect(0).out.as_bytes())
}

/// A Smile ID Enhanced KYC answer about NG / BVN, with the time at which it was received, as a line of a file.
pub fn answer_line(job: u32, code: &str, received: &str) -> String {
    let body = serde_json::json!({
        "SmileJobID": format!("{job:010}"),
        "PartnerParams": {"job_id": format!("order-{job}"), "user_id": format!("user-{job}"), "job_type": 5},
        "ResultCode": code,
        "Country": "NG",
        "IDType": "BVN",
    });
    format!("{}\n", serde_json::json!({"received_at": received, "body": body}))
}
