//! What `docs/DEPLOY.md` and `deploy/` say is so: command lines parse, exit codes are those of the program, units, YAML and
//! Dockerfile hold what they promise, and a night that was missed is caught up by the next.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kycmart::config::Config;
use kycmart::error::Error;
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value, json};

use crate::support::{folder, kycmart_in, kycmart_with_input, tool};

fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    fs::read_to_string(tree().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn deploy_files() -> Vec<String> {
    let files = fs::read_dir(tree().join("deploy")).expect("deploy/");
    let mut names: Vec<String> =
        files.map(|file| format!("deploy/{}", file.unwrap().file_name().into_string().unwrap())).collect();
    names.sort();
    names
}

// --- command lines ---------------------------------------------------------------------------------------------------

/// The commands in one line of a shell, as words; quotes are taken off.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word, mut quote) = (vec![], vec![], None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '&' | '|' | ';' | '>' | '<' | '(' | ')' | '{' | '}') => {
                words.extend(word.take());
                if c != ' ' && !words.is_empty() {
                    all.push(std::mem::take(&mut words));
                }
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all
}

/// The arguments of every run of kycmart in a line: as a command, or behind another such as `flock`.
fn arguments(line: &str, subcommands: &[String]) -> Vec<Vec<String>> {
    let mut found = vec![];
    for words in commands(line.trim_start_matches("ExecStart=")) {
        let is_program = |word: &String| ["kycmart", "/usr/local/bin/kycmart"].contains(&word.as_str());
        let runs = |at: &usize| {
            let next = words.get(at + 1);
            is_program(&words[*at]) && next.is_some_and(|next| *at == 0 || subcommands.contains(next))
        };
        if let Some(at) = (0..words.len()).find(runs) {
            let end = words[at..].iter().position(|word| word == "2").map_or(words.len(), |n| at + n);
            found.push(words[at + 1..end].to_vec());
        }
    }
    found
}

/// The lines of a document that are code: fenced blocks for a shell, and spans.
fn code_of(markdown: &str) -> Vec<String> {
    let mut lines = vec![];
    for (number, block) in markdown.split("```").enumerate() {
        if number % 2 == 1 {
            let block = block.strip_prefix("sh\n").unwrap_or_default().replace("\\\n", " ");
            lines.extend(block.lines().map(str::to_owned));
        } else {
            let spans = block.split('`').skip(1).step_by(2);
            lines.extend(spans.map(|span| span.replace('\n', " ")));
        }
    }
    lines
}

/// The words of `args: [a, b]`.
fn listed(line: &str) -> Option<Vec<String>> {
    let list = line.split_once("args: [")?.1.rsplit_once(']')?.0;
    let mut commas_kept = vec![];
    for (number, part) in list.split('"').enumerate() {
        match number % 2 {
            1 => commas_kept.push(part.to_owned()),
            _ => commas_kept.extend(part.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned)),
        }
    }
    Some(commas_kept)
}

/// Every command line of kycmart in a file of the tree.
fn command_lines(name: &str, subcommands: &[String]) -> Vec<Vec<String>> {
    let text = text(name);
    let lines: Vec<String> = match name.rsplit_once('.') {
        Some((_, "md")) => code_of(&text),
        Some((_, "yaml" | "toml")) => text.lines().map(|line| line.trim_start_matches(['#', ' ']).to_owned()).collect(),
        _ => text.replace("\\\n", " ").lines().map(str::to_owned).collect(),
    };
    let run = |line: &String| [arguments(line, subcommands), listed(line).into_iter().collect()].concat();
    let mut found: Vec<Vec<String>> = lines.iter().flat_map(run).collect();
    if let Some(list) = text.lines().find_map(|line| line.strip_prefix("CMD ")) {
        found.push(serde_json::from_str(list).expect("CMD is a list"));
    }
    found
}

fn subcommands() -> Vec<String> {
    let help = kycmart_in(tree(), &["--help"]).expect(0).out;
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of commands");
    list.lines()
        .filter(|line| !line.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// `--help` comes last: what stands before it is parsed, and nothing is run.
#[test]
fn every_command_line_parses() {
    let subcommands = subcommands();
    assert!(subcommands.len() > 8 && subcommands.contains(&"nightly".to_owned()), "{subcommands:?}");
    let here = folder();
    let mut wrong = String::new();
    for (name, least) in [
        ("docs/DEPLOY.md", 25),
        ("deploy/kycmart-nightly.service", 1),
        ("deploy/kycmart-care.service", 2),
        ("deploy/crontab", 3),
        ("deploy/anacrontab", 1),
        ("deploy/cronjob.yaml", 2),
        ("deploy/Dockerfile", 1),
    ] {
        let lines = command_lines(name, &subcommands);
        assert!(lines.len() >= least, "{name}: only {lines:?}");
        for line in lines {
            let words: Vec<&str> = line.iter().map(String::as_str).chain(["--help"]).collect();
            let run = kycmart_in(here.path(), &words);
            if run.code != 0 {
                writeln!(wrong, "{name}: kycmart {}\n{}", line.join(" "), run.err).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_file_is_named_by_the_page_and_there() {
    let page = text("docs/DEPLOY.md");
    for file in deploy_files() {
        assert!(page.contains(&format!("](../{file})")), "docs/DEPLOY.md does not show {file}");
    }
    for link in page.split("](../").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(tree().join(link).exists(), "docs/DEPLOY.md names {link}");
    }
}

/// The night is the same whoever starts it.
#[test]
fn every_scheduler_runs_the_same_night() {
    let subcommands = subcommands();
    let night = |name: &str| command_lines(name, &subcommands).into_iter().find(|words| words[0] == "nightly");
    let first = night("deploy/kycmart-nightly.service").expect("a night");
    for name in ["deploy/crontab", "deploy/anacrontab", "deploy/cronjob.yaml", "deploy/Dockerfile"] {
        assert_eq!(night(name).as_ref(), Some(&first), "{name}");
    }
}

// --- exit codes ------------------------------------------------------------------------------------------------------

#[test]
fn exit_codes_are_those_of_the_program() {
    let (usage, failed) = (Error::usage("").exit_code(), Error::failed("").exit_code());
    for page in ["docs/DEPLOY.md", "README.md"] {
        let text = text(page);
        let row =
            |code: u8| text.lines().find(|line| line.starts_with(&format!("| {code} |"))).expect("a row").to_owned();
        assert!(row(0).contains("the work is complete"), "{page}");
        assert!(row(1).contains("--fail-on"), "{page}");
        assert!(row(usage).contains("the command line, the configuration or the SQL is wrong"), "{page}");
        assert!(row(failed).contains("the work could not be finished"), "{page}");
    }
    let final_codes = format!("RestartPreventExitStatus=1 {usage}");
    for unit in ["deploy/kycmart-nightly.service", "deploy/kycmart-care.service"] {
        assert!(text(unit).lines().any(|line| line == final_codes), "{unit}: {final_codes}");
    }
    let job = cron_job();
    let rule = &job["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0];
    assert_eq!(
        (&rule["action"], &rule["onExitCodes"]["values"]),
        (&json!("FailJob"), &json!(["1", usage.to_string()]))
    );
    let here = folder();
    kycmart_in(here.path(), &["nightly", "--nonsense"]).expect(usage.into());
    kycmart_in(here.path(), &["nightly", "nowhere", "--mart", "m", "--out", "o"]).expect(usage.into());
}

/// The page quotes what the second of two programs says.
#[test]
fn a_night_that_meets_another_says_who_and_ends_as_failed() {
    let here = folder();
    fs::create_dir_all(here.path().join("mart")).unwrap();
    let lock = here.path().join("mart/.lock");
    fs::write(&lock, "kycmart nightly, process 4711").unwrap();
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    let run = kycmart_with_input(here.path(), &["nightly", "-", "--mart", "mart", "--out", "out"], b"{}").expect(3);
    let quoted = text("docs/DEPLOY.md").replace("/var/lib/kycmart/mart", "mart");
    assert!(quoted.contains(run.err.trim()), "docs/DEPLOY.md does not quote:\n{}", run.err);
}

// --- a missed night --------------------------------------------------------------------------------------------------

fn csv_files(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>, root: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            csv_files(&path, found, root);
        } else if path.extension().is_some_and(|ending| ending == "csv") {
            found.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn a_missed_night_is_caught_up_by_the_next() {
    let home = folder();
    let home = home.path();
    let night = |seed: &str, day: &str| {
        kycmart_in(home, &["sample", "--out", day, "--payloads", "400", "--days", "8", "--seed", seed]).expect(0);
        fs::rename(home.join(day), home.join("in").join(day)).unwrap();
    };
    let run = |mart: &str, out: &str| {
        kycmart_in(home, &["nightly", "in", "--mart", mart, "--out", out]).expect(0);
    };
    fs::create_dir(home.join("in")).unwrap();
    night("1", "monday");
    run("steady", "steady-out");
    run("missed", "missed-out");
    night("2", "tuesday");
    run("steady", "steady-out");
    night("3", "wednesday");
    run("steady", "steady-out");
    run("missed", "missed-out");

    let reports = |out: &str| {
        let (mut found, latest) = (vec![], home.join(out).join("latest"));
        csv_files(&latest, &mut found, &latest);
        found.sort();
        found
    };
    let (steady, missed) = (reports("steady-out"), reports("missed-out"));
    assert!(steady.len() > 10, "there are reports");
    assert_eq!(steady.len(), missed.len());
    for ((name, steady), (other, missed)) in steady.iter().zip(&missed) {
        assert!(name == other && steady == missed, "{} differs after a missed night", name.display());
    }
}

// --- systemd ---------------------------------------------------------------------------------------------------------

/// What `systemd-analyze` prints, and whether it was content; `None` where there is none.
fn systemd_analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let output = match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => output,
        Err(_) => {
            println!("skipped: no systemd-analyze");
            return None;
        }
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

fn units() -> Vec<String> {
    deploy_files().into_iter().filter(|name| name.ends_with(".service") || name.ends_with(".timer")).collect()
}

#[test]
fn systemd_takes_the_units() {
    let here = folder();
    let mut paths = vec![];
    for unit in units() {
        let path = here.path().join(Path::new(&unit).file_name().unwrap());
        fs::write(&path, text(&unit).replace("/usr/local/bin/kycmart", env!("CARGO_BIN_EXE_kycmart"))).unwrap();
        if !unit.contains('@') {
            paths.push(path.to_str().unwrap().to_owned());
        }
    }
    assert_eq!(paths.len(), 4);
    let arguments: Vec<&str> = ["verify"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let Some((content, said)) = systemd_analyze(&arguments) else { return };
    assert!(content && !said.contains("kycmart"), "{said}");
    for line in units().iter().flat_map(|unit| text(unit).lines().map(str::to_owned).collect::<Vec<_>>()) {
        if let Some(when) = line.strip_prefix("OnCalendar=") {
            let (content, said) = systemd_analyze(&["calendar", when]).expect("it was there");
            assert!(content && said.contains("Next elapse"), "{when}: {said}");
        }
    }
}

#[test]
fn the_units_hold_what_the_page_says() {
    let has = |unit: &str, line: &str| assert!(text(unit).lines().any(|l| l == line), "{unit} lacks {line}");
    for timer in ["deploy/kycmart-nightly.timer", "deploy/kycmart-care.timer"] {
        has(timer, "Persistent=true");
        has(timer, "RandomizedDelaySec=10min");
    }
    for service in ["deploy/kycmart-nightly.service", "deploy/kycmart-care.service"] {
        for line in ["Type=oneshot", "User=kycmart", "OnFailure=kycmart-alert@%n.service", "ProtectSystem=strict"] {
            has(service, line);
        }
        // Reports spill to a folder that is on disk and the service's own.
        has(service, "PrivateTmp=yes");
        has(service, "Environment=TMPDIR=/var/tmp");
        has(service, "StartLimitBurst=3");
    }
    for table in ["deploy/crontab", "deploy/anacrontab"] {
        assert!(text(table).contains("flock -n -E 4 ") && text(table).contains("\nMAILTO="), "{table}");
    }
}

// --- YAML, TOML, Dockerfile ------------------------------------------------------------------------------------------

/// The documents of a YAML file; every scalar is text.
fn documents(yaml: &str) -> Vec<Value> {
    let mut events = Parser::new_from_str(yaml).map(|event| event.expect("YAML").0);
    let mut found = vec![];
    while let Some(event) = events.next() {
        if matches!(event, Event::DocumentStart(_)) {
            let first = events.next().expect("a node");
            found.push(node(first, &mut events));
        }
    }
    found
}

fn node<'a>(event: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match event {
        Event::Scalar(text, ..) => Value::String(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = vec![];
            loop {
                match events.next().expect("an end") {
                    Event::SequenceEnd => return Value::Array(items),
                    item => items.push(node(item, events)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Map::new();
            loop {
                match events.next().expect("an end") {
                    Event::MappingEnd => return Value::Object(entries),
                    Event::Scalar(key, ..) => {
                        let value = events.next().expect("a value");
                        let value = node(value, events);
                        assert!(entries.insert(key.into_owned(), value).is_none(), "a key stands twice");
                    }
                    other => panic!("a key that is no text: {other:?}"),
                }
            }
        }
        other => panic!("{other:?}"),
    }
}

fn manifest(kind: &str) -> Value {
    let all = documents(&text("deploy/cronjob.yaml"));
    all.into_iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

fn cron_job() -> Value {
    manifest("CronJob")
}

#[test]
fn the_cron_job_holds_what_the_page_says() {
    let job = cron_job();
    assert_eq!((&job["apiVersion"], &job["spec"]["concurrencyPolicy"]), (&json!("batch/v1"), &json!("Forbid")));
    assert_eq!(job["spec"]["startingDeadlineSeconds"], "21600", "six hours");
    let spec = &job["spec"]["jobTemplate"]["spec"];
    assert_eq!(spec["backoffLimit"], "2");
    let pod = &spec["template"]["spec"];
    assert_eq!((&pod["restartPolicy"], &pod["securityContext"]["runAsUser"]), (&json!("Never"), &json!("10001")));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], "true");
    let container = &pod["containers"][0];
    assert_eq!(container["image"], format!("kycmart:{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], "true");
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    for what in ["requests", "limits"] {
        assert!(container["resources"][what]["memory"].is_string(), "{what}");
    }
    let list = |value: &Value, key: &str| -> Vec<String> {
        let items = value.as_array().expect("a list").iter();
        let mut names: Vec<String> = items.map(|item| item[key].as_str().expect("a name").to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(list(&container["volumeMounts"], "name"), list(&pod["volumes"], "name"));
    let volume = |name: &str| pod["volumes"].as_array().unwrap().iter().find(|v| v["name"] == name).unwrap().clone();
    assert_eq!(
        volume("state")["persistentVolumeClaim"]["claimName"],
        manifest("PersistentVolumeClaim")["metadata"]["name"]
    );
    assert_eq!(volume("config")["configMap"]["name"], manifest("ConfigMap")["metadata"]["name"]);
    assert!(
        text("docs/DEPLOY.md")
            .contains(&format!("secret generic {}", volume("key")["secret"]["secretName"].as_str().unwrap()))
    );
    assert!(documents(&text("deploy/cronjob.yaml")).iter().all(|d| d["kind"] != "Secret"), "no key stands in a file");
}

/// Where the configuration puts things is where units, pods and images have them.
#[test]
fn the_configurations_agree() {
    let file = Config::parse(&text("deploy/kycmart.toml")).unwrap();
    let in_map = manifest("ConfigMap")["data"]["kycmart.toml"].as_str().expect("a configuration").to_owned();
    let in_map = Config::parse(&in_map).unwrap();
    assert_eq!(format!("{file:?}"), format!("{in_map:?}"));
    assert_eq!(file.mart.as_deref(), Some(Path::new("/var/lib/kycmart/mart")));
    let unit = text("deploy/kycmart-nightly.service");
    assert!(unit.contains(&format!("ReadOnlyPaths={}\n", file.sources[0].path.display())));
    assert!(unit.contains("StateDirectory=kycmart\n"));
    let image = text("deploy/Dockerfile");
    for line in ["USER 10001:10001", "VOLUME [\"/var/lib/kycmart\"]", "ENTRYPOINT [\"kycmart\"]"] {
        assert!(image.lines().any(|l| l == line), "deploy/Dockerfile lacks {line}");
    }
    let ignored = text(".dockerignore");
    for line in ["**/*.key", "mart", "target"] {
        assert!(ignored.lines().any(|l| l == line), ".dockerignore lacks {line}");
    }
}

/// The page's expression for a night that never ran is one that Prometheus takes.
#[test]
fn prometheus_takes_the_expression() {
    let Some(promtool) = tool("deploy", "KYCMART_PROMTOOL", &["promtool"]) else { return };
    let spans = code_of(&text("docs/DEPLOY.md"));
    let expression = spans.iter().find(|span| span.starts_with("time() - ")).expect("an expression");
    let here = folder();
    let rules = json!({"groups": [{"name": "kycmart", "rules": [{"alert": "NoNight", "expr": expression}]}]});
    fs::write(here.path().join("rules.yaml"), rules.to_string()).unwrap();
    let output =
        Command::new(promtool).current_dir(here.path()).args(["check", "rules", "rules.yaml"]).output().unwrap();
    assert!(output.status.success(), "{expression}: {}", String::from_utf8_lossy(&output.stderr));
}
