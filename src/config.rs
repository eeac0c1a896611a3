//! `kycmart.toml`: what a scheduled run should not have to repeat on the command line.
//!
//! Every value can be overridden by a flag or an environment variable. Paths are relative to the file they stand in.
//! Secrets never stand in it: it names the variable or file that holds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::pseudonym::PseudonymKey;
use crate::record::{Channel, Environment, Provider};
use crate::report::alerts::Rules;
use crate::source::covers;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The mart's folder.
    pub mart: Option<PathBuf>,
    /// Where reports go.
    pub out: Option<PathBuf>,
    /// A folder of queries that override or join the compiled-in ones.
    pub queries: Option<PathBuf>,
    /// A CSV of codes that override or join the catalogue.
    pub codes: Option<PathBuf>,
    /// What `nightly` ingests.
    pub sources: Vec<Source>,
    pub pseudonyms: Pseudonyms,
    pub dimensions: Dimensions,
    pub reports: Reports,
    /// When a report says that somebody should look.
    pub alerts: Rules,
    pub drift: Drift,
    pub limits: Limits,
    pub envelope: Envelope,
    /// Findings above which `--fail-on` exits with 1: `rejects = 10`.
    pub thresholds: BTreeMap<String, u64>,
}

/// A folder, file or pattern of stored payloads, and what is known of all of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub path: PathBuf,
    /// Whose payloads they are, where content cannot tell.
    pub provider: Option<String>,
    /// The account at the provider.
    pub partner: Option<String>,
    /// `production` or `sandbox`.
    pub environment: Option<String>,
    /// `sync` or `async`.
    pub channel: Option<String>,
    /// The field or column that holds the payload; a way through fields is parted by dots.
    pub body_field: Option<String>,
}

/// Where the pseudonym key is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pseudonyms {
    /// A file that holds it.
    pub key_file: Option<PathBuf>,
    /// An environment variable that holds it.
    pub key_env: Option<String>,
}

/// The company's own dimensions.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dimensions {
    /// Up to three names of `PartnerParams` extras or of `merchantReportingCriteria`, `idScanSource`.
    pub names: Vec<String>,
}

/// How reports are made.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// IANA name of the zone in which days begin.
    pub time_zone: String,
    /// Whether known sandbox traffic counts.
    pub include_sandbox: bool,
    /// Availability from which a window is online.
    pub online_from: f64,
    /// Availability up to which a window is offline.
    pub offline_to: f64,
    /// Counts below this are withheld in circulation.
    pub least_count: u64,
    /// Availability that an authority should have over a month; the reports say how much of the rest was used up.
    pub availability_target: f64,
}

impl Default for Reports {
    fn default() -> Self {
        Reports {
            time_zone: "UTC".into(),
            include_sandbox: false,
            online_from: ONLINE_FROM,
            offline_to: OFFLINE_TO,
            least_count: LEAST_COUNT,
            availability_target: AVAILABILITY_TARGET,
        }
    }
}

/// A window with this share of answers or more is online. Seed 002 says both "91 % or more" and "more than 91 %".
pub const ONLINE_FROM: f64 = 0.91;
/// A window with this share of answers or less is offline. Seed 002 says both "less than 50 %" and "50 % or less".
pub const OFFLINE_TO: f64 = 0.50;
/// The availability that is wished for unless the configuration says otherwise. No provider promises one.
pub const AVAILABILITY_TARGET: f64 = 0.99;
/// Smaller counts of people are withheld in circulation.
pub const LEAST_COUNT: u64 = 10;

/// What is compared with what, and from when on a change is worth saying (docs/METRICS.md, "Drift").
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drift {
    /// Local days of the recent period, which ends with the range.
    pub recent_days: u32,
    /// Local days before it that it is compared with.
    pub baseline_days: u32,
    /// A segment is tested if it has as many in both periods.
    pub least_n: u64,
    /// Least change of a pass rate that is flagged.
    pub least_change: f64,
    /// Least change of a code's share that is flagged.
    pub least_share_change: f64,
    /// Greatest expected share of false ones among what is flagged.
    pub false_discovery_rate: f64,
}

impl Default for Drift {
    fn default() -> Self {
        Drift {
            recent_days: 7,
            baseline_days: 28,
            least_n: 100,
            least_change: 0.03,
            least_share_change: 0.02,
            false_discovery_rate: 0.05,
        }
    }
}

impl Drift {
    fn check(&self) -> std::result::Result<(), String> {
        if ![self.recent_days, self.baseline_days].iter().all(|days| (1..=3660).contains(days)) {
            return Err("drift: recent_days and baseline_days are 1 to 3660".into());
        }
        let shares = [self.least_change, self.least_share_change, self.false_discovery_rate];
        if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err("drift: least_change, least_share_change and false_discovery_rate are 0 to 1".into());
        }
        Ok(())
    }
}

/// What one run may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest payload in bytes; a longer one is rejected.
    pub max_payload_bytes: Option<usize>,
    /// Memory of the report's engine before it spills, such as `2GB`.
    pub memory: Option<String>,
    /// Worker threads.
    pub threads: Option<usize>,
}

/// Names of an envelope's fields, where a store has its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Envelope {
    pub received_at: Option<String>,
    pub provider: Option<String>,
    pub kind: Option<String>,
    pub remote_ip: Option<String>,
    pub headers: Option<String>,
    pub request: Option<String>,
    pub body: Option<String>,
}

impl Config {
    /// Reads the named file; without a name `kycmart.toml` in the working folder, if it is there. `overrides` are
    /// `key=value` pairs such as `reports.online_from=0.9` and come before the file.
    ///
    /// # Errors
    /// When a named file is missing, or the file or an override is not valid.
    pub fn load(named: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let default = Path::new("kycmart.toml");
        let path = named.or(default.is_file().then_some(default));
        let text = match path {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| Error::usage(format!("cannot read the configuration {}: {e}", path.display())))?,
            None => String::new(),
        };
        let wrong = |e: String| match path {
            Some(path) => Error::usage(format!("the configuration {} is not valid: {e}", path.display())),
            None => Error::usage(format!("the configuration is not valid: {e}")),
        };
        let config =
            Config::parse(&text).map_err(wrong)?.relative_to(path.and_then(Path::parent).unwrap_or(Path::new("")));
        if overrides.is_empty() { Ok(config) } else { config.overridden(&text, overrides).map_err(Error::usage) }
    }

    /// Reads a configuration's text.
    ///
    /// # Errors
    /// When a name or value is not known; says which and where.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// The configuration with some values replaced; paths of overrides are relative to the working folder.
    fn overridden(self, text: &str, overrides: &[String]) -> std::result::Result<Self, String> {
        let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        for pair in overrides {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("--set {pair}: write KEY=VALUE"))?;
            set(&mut table, key, toml_value(value)).map_err(|e| format!("--set {pair}: {e}"))?;
        }
        let changed: Config = table.try_into().map_err(|e: toml::de::Error| e.to_string().trim_end().to_owned())?;
        changed.check()?;
        let touched = |name: &str| overrides.iter().any(|pair| pair.starts_with(name));
        let keep = |name: &str, new: Option<PathBuf>, old: Option<PathBuf>| if touched(name) { new } else { old };
        let key_file = keep("pseudonyms", changed.pseudonyms.key_file, self.pseudonyms.key_file);
        Ok(Config {
            mart: keep("mart", changed.mart, self.mart),
            out: keep("out", changed.out, self.out),
            queries: keep("queries", changed.queries, self.queries),
            codes: keep("codes", changed.codes, self.codes),
            sources: if touched("sources") { changed.sources } else { self.sources },
            pseudonyms: Pseudonyms { key_file, key_env: changed.pseudonyms.key_env },
            ..changed
        })
    }

    fn check(&self) -> std::result::Result<(), String> {
        for source in &self.sources {
            one_of("provider", source.provider.as_deref(), Provider::ALL.iter().map(|p| p.word()))?;
            one_of("environment", source.environment.as_deref(), Environment::ALL.iter().map(|e| e.word()))?;
            one_of("channel", source.channel.as_deref(), Channel::ALL.iter().map(|c| c.word()))?;
        }
        if self.dimensions.names.len() > 3 {
            return Err("dimensions.names: at most three names".into());
        }
        let (low, high) = (self.reports.offline_to, self.reports.online_from);
        if !(0.0..=1.0).contains(&low) || !(0.0..=1.0).contains(&high) || low >= high {
            return Err("reports: 0 <= offline_to < online_from <= 1".into());
        }
        self.drift.check()?;
        self.alerts.check()?;
        if !(0.0..1.0).contains(&self.reports.availability_target) {
            return Err("reports: 0 <= availability_target < 1".into());
        }
        self.time_zone().map(|_| ())
    }

    /// The source below which a file lies, the nearest where there are several.
    pub fn source_of(&self, file: &Path) -> Option<&Source> {
        let near = self.sources.iter().filter_map(|source| Some((covers(&source.path, file)?, source)));
        near.max_by_key(|(parts, _)| *parts).map(|(_, source)| source)
    }

    /// The zone in which days begin.
    ///
    /// # Errors
    /// When it is no IANA name.
    pub fn time_zone(&self) -> std::result::Result<chrono_tz::Tz, String> {
        let name = &self.reports.time_zone;
        name.parse().map_err(|_| format!("reports.time_zone: {name} is no IANA time zone such as Africa/Lagos"))
    }

    fn relative_to(mut self, folder: &Path) -> Self {
        let places = [&mut self.mart, &mut self.out, &mut self.queries, &mut self.codes, &mut self.pseudonyms.key_file];
        for path in places.into_iter().flatten() {
            *path = folder.join(&path);
        }
        for source in &mut self.sources {
            if source.path != Path::new("-") {
                source.path = folder.join(&source.path);
            }
        }
        self
    }

    /// The ring of pseudonym keys: of the flag, else of the environment variable or file that the configuration names.
    ///
    /// # Errors
    /// When one is named and cannot be had.
    pub fn key(&self, flag: Option<&Path>) -> Result<Option<PseudonymKey>> {
        if let Some(path) = flag {
            return PseudonymKey::from_file(path).map(Some);
        }
        if let Some(name) = &self.pseudonyms.key_env {
            let secret = std::env::var(name).map_err(|_| {
                Error::usage(format!("the environment variable {name} with the pseudonym key is not set"))
            })?;
            let key = PseudonymKey::parse(secret.trim().as_bytes());
            return key.map(Some).map_err(|e| e.within(&format!("the environment variable {name}")));
        }
        self.pseudonyms.key_file.as_deref().map(PseudonymKey::from_file).transpose()
    }
}

/// Sets a value by its dotted name.
fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> std::result::Result<(), String> {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
            Ok(())
        }
        Some((head, rest)) => {
            let inner = table.entry(head).or_insert_with(|| toml::Table::new().into());
            let inner = inner.as_table_mut().ok_or_else(|| format!("{head} has no names in it"))?;
            set(inner, rest, value)
        }
    }
}

/// A value as TOML where it is one, else as text.
fn toml_value(text: &str) -> toml::Value {
    let parsed = format!("value = {text}").parse::<toml::Table>().ok();
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

fn one_of<'a>(
    name: &str,
    value: Option<&str>,
    mut allowed: impl Iterator<Item = &'a str> + Clone,
) -> std::result::Result<(), String> {
    match value {
        Some(value) if !allowed.clone().any(|a| a == value) => {
            let all = allowed.by_ref().collect::<Vec<_>>().join(", ");
            Err(format!("sources: {name} = \"{value}\" is none of {all}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_or_value_is_named() {
        assert!(Config::parse("marts = \"x\"").unwrap_err().contains("marts"));
        let wrong = Config::parse("[[sources]]\npath = \"x\"\nenvironment = \"prod\"").unwrap_err();
        assert!(wrong.contains("production"), "{wrong}");
        assert!(Config::parse("[reports]\ntime_zone = \"Lagos\"").unwrap_err().contains("Africa/Lagos"));
        assert!(Config::parse("[drift]\nrecent_days = 0").unwrap_err().contains("recent_days"));
        assert!(Config::parse("[drift]\nfalse_discovery_rate = 5").unwrap_err().contains("false_discovery_rate"));
        assert!(Config::parse("[dimensions]\nnames = [\"a\",\"b\",\"c\",\"d\"]").is_err());
    }

    #[test]
    fn every_value_can_be_overridden() {
        let text = "mart = \"m\"\n[reports]\nonline_from = 0.95";
        let base = Config::parse(text).unwrap().relative_to(Path::new("/etc/k"));
        let wishes = ["reports.online_from=0.9", "reports.time_zone=Africa/Lagos", "dimensions.names=[\"branch\"]"];
        let config = base.clone().overridden(text, &wishes.map(str::to_owned)).unwrap();
        assert_eq!((config.reports.online_from, config.reports.time_zone.as_str()), (0.9, "Africa/Lagos"));
        assert_eq!(config.dimensions.names, ["branch"]);
        assert_eq!(config.mart.as_deref(), Some(Path::new("/etc/k/m")));
        assert!(base.clone().overridden(text, &["report.online_from=1".into()]).unwrap_err().contains("report"));
        assert!(base.overridden(text, &["nothing".into()]).is_err());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config =
            Config::parse("mart = \"m\"\n[[sources]]\npath = \"in\"").unwrap().relative_to(Path::new("/etc/k"));
        assert_eq!(config.mart.as_deref(), Some(Path::new("/etc/k/m")));
        assert_eq!(config.sources[0].path, Path::new("/etc/k/in"));
    }
}
