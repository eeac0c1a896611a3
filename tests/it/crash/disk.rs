//! A disk that is full or read-only: the program says what to do, the mart is as it was, and the next run finishes.
//!
//! File systems of the tests' own need a mount namespace; where the machine gives none, that is said and
//! skipped. It goes with the process, so nothing stays mounted.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::harness::Scenario;
use crate::support::Run;

/// A shell in a mount namespace of its own.
const NAMESPACES: [&[&str]; 2] = [&["unshare", "--mount"], &["unshare", "--map-root-user", "--mount"]];

/// Kilobytes by which one file system is larger than the one before.
const STEP: u64 = 64;

/// How a shell with file systems of its own is started, if the machine lets us.
fn namespace() -> Option<&'static [&'static str]> {
    let works = |words: &&&[&str]| {
        let try_out = Command::new(words[0]).args(&words[1..]).args(["sh", "-c", "mount -t tmpfs none /mnt"]).output();
        try_out.is_ok_and(|output| output.status.success())
    };
    let found = NAMESPACES.iter().find(works).copied();
    if found.is_none() {
        println!("skipped: no mount namespace can be made here");
    }
    found
}

/// Runs a shell script in a folder; `$PROGRAM` is the program.
fn script(home: &Path, shell: &[&str], script: &str) -> Run {
    let words = [shell, &["sh", "-c", script]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(home).env("PROGRAM", env!("CARGO_BIN_EXE_kycmart"));
    let output = command.output().expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The run failed for want of space, says so in words, and says what to do.
#[track_caller]
fn assert_clear(run: &Run, when: &str) {
    assert_eq!(run.code, 3, "{when}: {}", run.err);
    let clear = ["hint:", "space"].iter().all(|word| run.err.contains(word)) && !run.err.contains("panicked");
    assert!(clear, "{when}: {}", run.err);
}

/// Runs the command on file systems that are full a little later each time, until it fits.
pub fn on_full_disks(scenario: &Scenario) {
    let (home, arguments) = (scenario.home(), scenario.arguments().join(" "));
    let Some(shell) = namespace() else { return };
    let (mut size, mut full) = (kilobytes(&home.join("ready")), 0);
    loop {
        size += STEP;
        // The mart is carried out of the full file system before that goes with its namespace.
        let on_small_disk = format!(
            "mkdir -p m && mount -t tmpfs -o size={size}k none m && cp -r ready/. m/ 2>/dev/null || exit 77
             \"$PROGRAM\" {arguments}; code=$?
             cp -r m saved; exit $code"
        );
        let run = script(home, shell, &on_small_disk);
        let when = format!("on a file system of {size} kB");
        if run.code == 77 {
            continue; // not even the mart as it was fits
        }
        fs::remove_dir_all(home.join("m")).unwrap();
        fs::rename(home.join("saved"), home.join("m")).unwrap();
        if run.code == 0 {
            break;
        }
        full += 1;
        assert_clear(&run, &when);
        scenario.check_reader(&when, full % 4 == 1);
        scenario.run().expect(0);
        scenario.check(&when);
    }
    println!("{arguments}: {full} full file systems");
    assert!(full > 0, "no file system was full");
}

/// The room a folder takes.
fn kilobytes(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().metadata().unwrap());
    files.map(|file| file.len().div_ceil(4096) * 4).sum()
}

/// A limit on the size of a file stands in for a disk that is full at that file: ever larger ones can be written.
pub fn with_small_files(scenario: &Scenario) {
    let arguments = scenario.arguments().join(" ");
    let mut failed = 0;
    for blocks in [2, 6, 12, 24, 48] {
        scenario.restore();
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$PROGRAM\" {arguments}");
        let run = script(scenario.home(), &["env"], &limited);
        let when = format!("with files of at most {blocks} blocks");
        if run.code == 0 {
            continue;
        }
        failed += 1;
        assert_clear(&run, &when);
        scenario.check_reader(&when, false);
        scenario.run().expect(0);
        scenario.check(&when);
    }
    println!("{arguments}: {failed} limits were too small");
    assert!(failed >= 2, "only {failed} limits were too small");
}

/// Makes a mart read-only for one command: by a mount, else by its permissions.
fn read_only(home: &Path, arguments: &str) -> Option<Run> {
    if let Some(shell) = namespace() {
        let mount = "mount --bind m m && mount -o remount,ro,bind m || exit 77";
        return Some(script(home, shell, &format!("{mount}; exec \"$PROGRAM\" {arguments}")));
    }
    let text = format!("chmod -R a-w m; touch m/x 2>/dev/null && exit 77; \"$PROGRAM\" {arguments}");
    let run = script(home, &["env"], &format!("{text}; code=$?; chmod -R u+w m; exit $code"));
    let _ = script(home, &["env"], "chmod -R u+w m; rm -f m/x");
    (run.code != 77).then_some(run)
}

/// A read-only mart can be read, and a command that would write says why it cannot.
pub fn read_only_mart(scenario: &Scenario) {
    let home = scenario.home();
    scenario.restore();
    let write = scenario.arguments().join(" ");
    let Some(run) = read_only(home, &write) else {
        println!("{write}: not tried on a read-only mart, this user may write everything");
        return;
    };
    assert_eq!(run.code, 3, "{}", run.err);
    let clear = run.err.contains("hint:") && !run.err.contains("panicked") && run.err.contains(" m/");
    assert!(clear, "{write}: {}", run.err);
    scenario.check_reader("read-only", true);
    for read in
        ["report --mart m --out out", "query --mart m 'SELECT 1 AS one'", "mart info --mart m", "mart verify --mart m"]
    {
        read_only(home, read).expect("as before").expect(0);
    }
    scenario.run().expect(0);
    scenario.check("after it was read-only");
}
