//! Pseudonym keys as their owner meets them: the file, its form and mode, and what a rotation does to marts.

use std::fs;
use std::path::Path;

use kycmart::pseudonym::PseudonymKey;

use crate::support::{Run, command, folder, kycmart_in, query};

const CALLBACK: &str = r#"{"SmileJobID":"0000000007","ResultCode":"1012","ResultText":"an invented text nobody knows",
    "PartnerParams":{"job_id":"order-1","user_id":"u-1","job_type":5},"timestamp":"2026-03-04T05:06:07Z"}"#;
const OLD_FORM: &str = "0123456789abcdef\n";

/// The lines of a key file that hold secrets.
fn secrets(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

#[track_caller]
fn tells_no_secret(run: &Run, file: &Path) {
    for secret in secrets(file) {
        let known = secret.strip_prefix("base64:").unwrap_or(&secret);
        assert!(!run.out.contains(known) && !run.err.contains(known), "stdout:\n{}\nstderr:\n{}", run.out, run.err);
    }
}

/// The key ids that `keys show` prints.
fn shown(here: &Path, file: &str) -> Vec<String> {
    let run = kycmart_in(here, &["keys", "show", file, "--format", "csv"]).expect(0);
    tells_no_secret(&run, &here.join(file));
    run.out.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
}

/// Ingests the callback into a mart and returns user pseudonym, key id and digest of the text.
fn stored(here: &Path, mart: &str, more: &[&str]) -> [String; 3] {
    fs::write(here.join("a.json"), CALLBACK).unwrap();
    kycmart_in(here, &[&["ingest", "a.json", "--mart", mart], more].concat()).expect(0);
    in_mart(here, mart)
}

fn in_mart(here: &Path, mart: &str) -> [String; 3] {
    let rows = query(here, mart, "SELECT user_pseudonym, pseudonym_key_id, withheld_digest FROM observations");
    assert_eq!(rows.len(), 1);
    ["user_pseudonym", "pseudonym_key_id", "withheld_digest"].map(|column| rows[0][column].clone())
}

#[test]
fn a_new_key_file_has_one_random_key_that_is_never_shown() {
    let here = folder();
    let run = kycmart_in(here.path(), &["keys", "new", "a.key"]).expect(0);
    let other = kycmart_in(here.path(), &["keys", "new", "b.key"]).expect(0);
    tells_no_secret(&run, &here.path().join("a.key"));
    assert!(run.err.contains("--key-file a.key"), "{}", run.err);
    assert_eq!(shown(here.path(), "a.key"), [run.out.trim()]);
    assert_ne!(run.out, other.out);
    let secret = secrets(&here.path().join("a.key"));
    assert_eq!((secret.len(), secret[0].len()), (1, 44), "32 bytes as base64");
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let here = folder();
    fs::write(here.path().join("a.key"), OLD_FORM).unwrap();
    let run = kycmart_in(here.path(), &["keys", "new", "a.key"]).expect(2);
    assert!(run.err.contains("exists") && run.err.contains("keys rotate"), "{}", run.err);
    assert_eq!(fs::read_to_string(here.path().join("a.key")).unwrap(), OLD_FORM);
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn a_rotation_adds_a_key_below_the_old_ones() {
    let here = folder();
    let file = here.path().join("a.key");
    let first = kycmart_in(here.path(), &["keys", "new", "a.key"]).expect(0).out.trim().to_owned();
    let before = fs::read_to_string(&file).unwrap();
    let run = kycmart_in(here.path(), &["keys", "rotate", "a.key"]).expect(0);
    tells_no_secret(&run, &file);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&before));
    let ids = shown(here.path(), "a.key");
    assert_eq!((ids.len(), &ids[0]), (2, &first));
    assert_eq!(run.out, format!("old {first}\nnew {}\n", ids[1]));
    assert!(run.err.contains("keys rewrap"), "{}", run.err);
    kycmart_in(here.path(), &["keys", "rotate", "a.key"]).expect(0);
    assert_eq!(shown(here.path(), "a.key")[..2], ids);
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_key_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let here = folder();
    let file = here.path().join("a.key");
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    kycmart_in(here.path(), &["keys", "new", "a.key"]).expect(0);
    assert_eq!(mode(), 0o600);
    let quiet = kycmart_in(here.path(), &["keys", "rotate", "a.key"]).expect(0);
    assert!(!quiet.err.contains("warning"), "{}", quiet.err);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("a.key", here.path().join("link.key")).unwrap();
    let run = kycmart_in(here.path(), &["keys", "rotate", "link.key"]).expect(0);
    assert!(run.err.contains("warning") && run.err.contains("644"), "{}", run.err);
    assert_eq!(mode(), 0o600);
    assert!(fs::symlink_metadata(here.path().join("link.key")).unwrap().is_symlink());
    assert_eq!(shown(here.path(), "a.key").len(), 3);
}

#[test]
fn a_single_secret_of_before_gives_the_pseudonyms_of_before() {
    let here = folder();
    let file = here.path().join("a.key");
    fs::write(&file, OLD_FORM).unwrap();
    // What the program wrote before there were rings.
    let expected = ["795a40097ef145b2959c6dd2915b3988", "db3ba559", "3e47ad4801c75d09"];
    assert_eq!(stored(here.path(), "mart", &["--key-file", "a.key"]), expected);
    let run = kycmart_in(here.path(), &["keys", "rotate", "a.key"]).expect(0);
    assert!(run.out.starts_with("old db3ba559\n"), "{}", run.out);
    assert_eq!(secrets(&file)[0], OLD_FORM.trim());
    let ring = PseudonymKey::from_file(&file).unwrap();
    let [user, id, text] = stored(here.path(), "new-mart", &["--key-file", "a.key"]);
    assert_eq!((user.as_str(), id.as_str()), (ring.pseudonym("user_id", "u-1").as_str(), ring.id()));
    assert_eq!(ring.wrap("db3ba559", "user_id", expected[0]), Some(user));
    assert_eq!(ring.wrap_short("db3ba559", "text", expected[2]), Some(text));
}

#[test]
fn a_secret_that_is_no_printable_text_survives_a_rotation() {
    let here = folder();
    let file = here.path().join("a.key");
    fs::write(&file, b"two lines\nof a \xff\x00 secret\n").unwrap();
    let before = PseudonymKey::from_file(&file).unwrap();
    let run = kycmart_in(here.path(), &["keys", "rotate", "a.key"]).expect(0);
    tells_no_secret(&run, &file);
    let prefixes = PseudonymKey::from_file(&file).unwrap().prefixes();
    assert_eq!(prefixes[0].id(), before.id());
    assert_eq!(prefixes[0].pseudonym("user_id", "u-1"), before.pseudonym("user_id", "u-1"));
}

#[test]
fn a_ring_in_the_environment_is_the_ring_of_the_file() {
    let here = folder();
    kycmart_in(here.path(), &["keys", "new", "a.key"]).expect(0);
    kycmart_in(here.path(), &["keys", "rotate", "a.key"]).expect(0);
    let text = fs::read_to_string(here.path().join("a.key")).unwrap();
    fs::write(here.path().join("kycmart.toml"), "[pseudonyms]\nkey_env = \"RING\"\n").unwrap();
    fs::write(here.path().join("a.json"), CALLBACK).unwrap();
    let ingest = command(here.path(), &["ingest", "a.json", "--mart", "mart"]).env("RING", text).output().unwrap();
    assert!(ingest.status.success(), "{}", String::from_utf8_lossy(&ingest.stderr));
    let ring = PseudonymKey::from_file(&here.path().join("a.key")).unwrap();
    assert_eq!(in_mart(here.path(), "mart")[..2], [ring.pseudonym("user_id", "u-1"), ring.id().to_owned()]);
}

#[test]
fn stored_pseudonyms_follow_a_rotation() {
    let here = folder();
    fs::write(here.path().join("a.key"), OLD_FORM).unwrap();
    stored(here.path(), "mart", &["--key-file", "a.key"]);
    let run = kycmart_in(here.path(), &["keys", "rotate", "a.key", "--mart", "mart"]).expect(0);
    tells_no_secret(&run, &here.path().join("a.key"));
    let ring = PseudonymKey::from_file(&here.path().join("a.key")).unwrap();
    let text = ring.short("text", "an invented text nobody knows");
    let wrapped = [ring.pseudonym("user_id", "u-1"), ring.id().to_owned(), text];
    assert_eq!(in_mart(here.path(), "mart"), wrapped);
    kycmart_in(here.path(), &["keys", "rewrap", "a.key", "--mart", "mart"]).expect(0);
    assert_eq!(in_mart(here.path(), "mart"), wrapped, "a second time changes nothing");
    fs::write(here.path().join("b.json"), CALLBACK.replace("0000000007", "0000000008")).unwrap();
    kycmart_in(here.path(), &["ingest", "b.json", "--mart", "mart", "--key-file", "a.key"]).expect(0);
    let users = query(here.path(), "mart", "SELECT COUNT(DISTINCT user_pseudonym) AS n FROM observations");
    assert_eq!(users[0]["n"], "1", "the user of before and of after is one user");
}

#[test]
fn no_key_is_added_where_the_rest_is_known_to_fail() {
    let here = folder();
    fs::write(here.path().join("a.key"), OLD_FORM).unwrap();
    fs::write(here.path().join("short.key"), "0123").unwrap();
    for (arguments, says) in [
        (&["keys", "rotate", "a.key", "--mart", "elsewhere"][..], "no mart at elsewhere"),
        (&["keys", "rotate", "missing.key"], "keys new missing.key"),
        (&["keys", "rotate", "short.key"], "shorter than 16 bytes"),
        (&["keys", "show", "short.key"], "short.key"),
    ] {
        let run = kycmart_in(here.path(), arguments).expect(2);
        assert!(run.err.contains(says), "{arguments:?}: {}", run.err);
        tells_no_secret(&run, &here.path().join("a.key"));
    }
    assert_eq!(fs::read_to_string(here.path().join("a.key")).unwrap(), OLD_FORM);
    assert_eq!(fs::read_to_string(here.path().join("short.key")).unwrap(), "0123");
}

#[test]
fn rotations_at_once_lose_no_key() {
    let here = folder();
    kycmart_in(here.path(), &["keys", "new", "a.key"]).expect(0);
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| kycmart_in(here.path(), &["keys", "rotate", "a.key"]));
        let started: Vec<_> = (0..8).map(|_| start()).collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let ids = shown(here.path(), "a.key");
    let rotated: Vec<&Run> = runs.iter().filter(|run| run.code == 0).collect();
    assert_eq!(ids.len(), 1 + rotated.len());
    for run in &rotated {
        let new = run.out.lines().last().unwrap().trim_start_matches("new ");
        assert!(ids.iter().any(|id| id == new), "{new} was lost");
    }
    for run in runs.iter().filter(|run| run.code != 0) {
        assert!(run.code == 3 && run.err.contains("being rotated by another program"), "{}", run.err);
    }
}

#[test]
fn every_keys_command_has_help_with_examples() {
    let here = folder();
    for command in [&["keys"][..], &["keys", "new"], &["keys", "rotate"], &["keys", "rewrap"], &["keys", "show"]] {
        let run = kycmart_in(here.path(), &[command, &["--help"]].concat()).expect(0);
        assert!(run.out.contains("Examples:"), "{command:?} has no examples");
    }
}
