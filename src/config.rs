//! `kycmart.toml`: what a scheduled run should not have to repeat on the command line.
//!
//! Every value can be overridden by a flag or an environment variable. Paths are relative to the file they stand in.
//! Secrets never stand in it: it names the variable or file that holds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::privacy::PseudonymKey;
use crate::record::{Channel, Environment, Provider};

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
    pub limits: Limits,
    pub envelope: Envelope,
    /// Findings above which `--fail-on` exits with 1: `rejects = 10`.
    pub thresholds: BTreeMap<String, u64>,
}

/// A folder or file of stored payloads, and what is known of all of them.
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
    /// The field or column that holds the payload.
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
}

impl Default for Reports {
    fn default() -> Self {
        Reports {
            time_zone: "UTC".into(),
            include_sandbox: false,
            online_from: ONLINE_FROM,
            offline_to: OFFLINE_TO,
        }
    }
}

/// A window with this share of answers or more is online. Seed 002 says both "91 % or more" and "more than 91 %".
pub const ONLINE_FROM: f64 = 0.91;
/// A window with this share of answers or less is offline. Seed 002 says both "less than 50 %" and "50 % or less".
pub const OFFLINE_TO: f64 = 0.50;

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
    /// Reads the named file; without a name `kycmart.toml` in the working folder, if it is there.
    ///
    /// # Errors
    /// When a named file is missing, or the file is not valid.
    pub fn load(named: Option<&Path>) -> Result<Self> {
        let default = Path::new("kycmart.toml");
        let path = match named {
            Some(path) => path,
            None if default.is_file() => default,
            None => return Ok(Config::default()),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::usage(format!("cannot read the configuration {}: {e}", path.display())))?;
        let config = Config::parse(&text)
            .map_err(|e| Error::usage(format!("the configuration {} is not valid: {e}", path.display())))?;
        Ok(config.relative_to(path.parent().unwrap_or(Path::new(""))))
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

    fn check(&self) -> std::result::Result<(), String> {
        for source in &self.sources {
            one_of(
                "provider",
                source.provider.as_deref(),
                Provider::ALL.iter().map(|p| p.word()),
            )?;
            one_of(
                "environment",
                source.environment.as_deref(),
                Environment::ALL.iter().map(|e| e.word()),
            )?;
            one_of(
                "channel",
                source.channel.as_deref(),
                Channel::ALL.iter().map(|c| c.word()),
            )?;
        }
        if self.dimensions.names.len() > 3 {
            return Err("dimensions.names: at most three names".into());
        }
        let (low, high) = (self.reports.offline_to, self.reports.online_from);
        if !(0.0..=1.0).contains(&low) || !(0.0..=1.0).contains(&high) || low >= high {
            return Err("reports: 0 <= offline_to < online_from <= 1".into());
        }
        self.time_zone().map(|_| ())
    }

    /// The zone in which days begin.
    ///
    /// # Errors
    /// When it is no IANA name.
    pub fn time_zone(&self) -> std::result::Result<chrono_tz::Tz, String> {
        let name = &self.reports.time_zone;
        name.parse()
            .map_err(|_| format!("reports.time_zone: {name} is no IANA time zone such as Africa/Lagos"))
    }

    fn relative_to(mut self, folder: &Path) -> Self {
        let places = [
            &mut self.mart,
            &mut self.out,
            &mut self.queries,
            &mut self.codes,
            &mut self.pseudonyms.key_file,
        ];
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

    /// The pseudonym key: of the flag, else of the environment variable or file that the configuration names.
    ///
    /// # Errors
    /// When one is named and cannot be had.
    pub fn key(&self, flag: Option<&Path>) -> Result<Option<PseudonymKey>> {
        if let Some(path) = flag {
            return PseudonymKey::from_file(path).map(Some);
        }
        if let Some(name) = &self.pseudonyms.key_env {
            let secret = std::env::var(name).map_err(|_| {
                Error::usage(format!(
                    "the environment variable {name} with the pseudonym key is not set"
                ))
            })?;
            return PseudonymKey::new(secret.trim().as_bytes()).map(Some);
        }
        self.pseudonyms
            .key_file
            .as_deref()
            .map(PseudonymKey::from_file)
            .transpose()
    }
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
        assert!(
            Config::parse("[reports]\ntime_zone = \"Lagos\"")
                .unwrap_err()
                .contains("Africa/Lagos")
        );
        assert!(Config::parse("[dimensions]\nnames = [\"a\",\"b\",\"c\",\"d\"]").is_err());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = Config::parse("mart = \"m\"\n[[sources]]\npath = \"in\"")
            .unwrap()
            .relative_to(Path::new("/etc/k"));
        assert_eq!(config.mart.as_deref(), Some(Path::new("/etc/k/m")));
        assert_eq!(config.sources[0].path, Path::new("/etc/k/in"));
    }
}
