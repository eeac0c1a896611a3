//! `kycmart ingest`: stored payloads into a mart.

use std::path::PathBuf;

use clap::Args;

use super::progress::Shown;
use super::{Context, MartArgument};
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::ingest::{FieldUse, Source, Summary, ingest};
use crate::mart::{Mart, MartLock};
use crate::normalise::Normaliser;
use crate::pseudonym::PseudonymKey;
use crate::record::{Channel, Environment, Provider};
use crate::source;

const EXAMPLES: &str = "\
Examples:
  kycmart ingest payloads/ --mart mart
  kycmart ingest 'backups/**/*.tar.gz' app.db --mart mart
  kycmart ingest events.parquet --body-field event.body --mart mart
  kycmart ingest callbacks.ndjson.gz export.csv --mart mart --partner 2442 --environment production
  psql -c 'COPY (SELECT payload FROM events) TO STDOUT CSV HEADER' | kycmart ingest - --mart mart

Read are JSON (lines, arrays, documents, pages), CSV, TSV, Postgres COPY, Parquet, Arrow, SQLite,
logs, HAR and VCR; tar and zip of them; gz, zst, bz2, xz.
A row is a bare payload, an envelope with any of received_at, provider, kind, remote_ip, headers,
request, body, or anything with the payload in a field: kycmart inspect --explain FILE shows where.
What was ingested before is recognised by content: to run it again changes nothing.";

/// Take stored payloads into a mart: files, folders, archives, tables, logs, whatever holds them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files, folders (recursively) or patterns; `-` for standard input.
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    mart: MartArgument,
    #[command(flatten)]
    pub known: KnownArguments,
    #[command(flatten)]
    fail_on: FailOn,
}

/// What is known of all payloads of the sources.
#[derive(Debug, Args)]
pub struct KnownArguments {
    /// Whose payloads these are, where content cannot tell: smile_id, advance_ai, jumio.
    #[arg(long, value_parser = word::<Provider>, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// The account at the provider.
    #[arg(long, value_name = "ID")]
    partner: Option<String>,
    /// production or sandbox.
    #[arg(long, value_parser = word::<Environment>, value_name = "NAME")]
    environment: Option<Environment>,
    /// sync or async.
    #[arg(long, value_parser = word::<Channel>, value_name = "NAME")]
    channel: Option<Channel>,
    /// Field or column that holds the payload; a way through fields is parted by dots: event.body, Records[0].body.
    #[arg(long, value_name = "NAME")]
    body_field: Option<String>,
    /// Take a file's modification time as the time of receipt where nothing else tells.
    #[arg(long)]
    trust_mtime: bool,
    /// File with the pseudonym key; without a key user ids and ID numbers leave no trace.
    #[arg(long, env = "KYCMART_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// A word of the vocabulary, for clap.
pub trait Word: Sized + Copy + 'static {
    const WORDS: &'static [Self];
    fn text(self) -> &'static str;
}

macro_rules! word_for {
    ($($type:ty),+) => {$(
        impl Word for $type {
            const WORDS: &'static [Self] = <$type>::ALL;
            fn text(self) -> &'static str {
                self.word()
            }
        }
    )+};
}

word_for!(Provider, Environment, Channel);

/// Reads a word, or says which there are.
pub fn word<T: Word>(text: &str) -> std::result::Result<T, String> {
    let found = T::WORDS.iter().copied().find(|w| w.text() == text);
    found.ok_or_else(|| format!("one of {}", T::WORDS.iter().map(|w| w.text()).collect::<Vec<_>>().join(", ")))
}

/// Findings that make the exit code 1.
#[derive(Debug, Args)]
pub struct FailOn {
    /// Exit with 1 on these findings above their threshold: the alerts availability, backlog, drift and silence; rejects,
    /// unknown, ambiguous, unattributed, undated, future, sandbox, alarms.
    #[arg(long, value_delimiter = ',', value_name = "FINDING[=N]")]
    fail_on: Vec<String>,
}

impl FailOn {
    /// The findings that are asked for, with their thresholds; before the work, so that a slip of the pen costs no night.
    ///
    /// # Errors
    /// When a name is none of those, or a threshold is no number.
    pub fn wishes(&self, names: &[&str], config: &Config) -> Result<Vec<(String, u64)>> {
        let read = |wish: &String| {
            let (name, threshold) = match wish.trim().split_once('=') {
                Some((name, number)) => {
                    let number = number.trim().parse();
                    (name.trim(), number.map_err(|_| Error::usage(format!("--fail-on {wish}: not a number")))?)
                }
                None => (wish.trim(), config.thresholds.get(wish.trim()).copied().unwrap_or(0)),
            };
            if !names.contains(&name) {
                return Err(Error::usage(format!("--fail-on {name}: here there are only {}", names.join(", "))));
            }
            Ok((name.to_owned(), threshold))
        };
        self.fail_on.iter().map(read).collect()
    }

    /// Whether a finding is above its threshold (0, or of the flag, or of the configuration); says which.
    ///
    /// # Errors
    /// When a finding has an unknown name.
    pub fn judge(&self, findings: &[(&str, u64)], config: &Config) -> Result<u8> {
        let names: Vec<&str> = findings.iter().map(|(name, _)| *name).collect();
        let mut code = 0;
        for (name, threshold) in self.wishes(&names, config)? {
            let found = findings.iter().find(|(n, _)| *n == name).map_or(&0, |(_, found)| found);
            if *found > threshold {
                eprintln!("kycmart: {name}: {found}, above the threshold of {threshold}");
                code = 1;
            }
        }
        Ok(code)
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let mart = arguments.mart.path(&context.config)?;
    let key = context.config.key(arguments.known.key_file.as_deref())?;
    let sources: Vec<Source> =
        arguments.sources.iter().map(|path| arguments.known.source(path.clone(), &context.config)).collect();
    let _lock = MartLock::take(&mart, "ingest")?;
    let summary = take_in(&mut Mart::open_or_create(&mart)?, &sources, key.as_ref(), context)?;
    print_summary(&summary);
    let code = arguments.fail_on.judge(&[("rejects", summary.payloads_rejected)], &context.config)?;
    all_read(&summary)?;
    Ok(code)
}

/// Work that left an input unread is not complete.
pub fn all_read(summary: &Summary) -> Result<()> {
    match summary.unread_inputs.as_slice() {
        [] => Ok(()),
        unread => Err(Error::failed(format!("{} inputs could not be read; all others are in the mart", unread.len()))
            .hint("mend what is said above and run again: only what is missing is read")),
    }
}

impl KnownArguments {
    /// A path as a source, with what the flags say of it.
    pub fn source(&self, path: PathBuf, config: &Config) -> Source {
        Source {
            path,
            provider: self.provider,
            partner: self.partner.clone(),
            environment: self.environment,
            channel: self.channel,
            options: source_options(config, self.body_field.clone(), self.trust_mtime),
        }
    }

    /// A source of the configuration; flags come before it.
    pub fn configured(&self, source: &config::Source, config: &Config) -> Source {
        let body_field = self.body_field.clone().or_else(|| source.body_field.clone());
        Source {
            path: source.path.clone(),
            provider: self.provider.or_else(|| source.provider.as_deref().and_then(Provider::from_word)),
            partner: self.partner.clone().or_else(|| source.partner.clone()),
            environment: self.environment.or_else(|| source.environment.as_deref().and_then(Environment::from_word)),
            channel: self.channel.or_else(|| source.channel.as_deref().and_then(Channel::from_word)),
            options: source_options(config, body_field, self.trust_mtime),
        }
    }
}

/// How sources are read, by the configuration.
pub fn source_options(config: &Config, body_field: Option<String>, trust_mtime: bool) -> source::Options {
    let mut options = source::Options { body_field, trust_mtime, ..source::Options::default() };
    if let Some(bytes) = config.limits.max_payload_bytes {
        options.limits.max_payload_bytes = bytes;
    }
    let (names, own) = (&mut options.names, &config.envelope);
    let pairs = [
        (&mut names.received_at, &own.received_at),
        (&mut names.provider, &own.provider),
        (&mut names.kind, &own.kind),
        (&mut names.remote_ip, &own.remote_ip),
        (&mut names.headers, &own.headers),
        (&mut names.request, &own.request),
        (&mut names.body, &own.body),
    ];
    for (name, own) in pairs {
        if let Some(own) = own {
            name.clone_from(own);
        }
    }
    options
}

/// Ingests and shows how it goes.
pub fn take_in(mart: &mut Mart, sources: &[Source], key: Option<&PseudonymKey>, context: &Context) -> Result<Summary> {
    let rules = Normaliser {
        catalogue: &context.catalogue,
        key,
        dimensions: &context.config.dimensions.names,
        show_personal: false,
    };
    if let Some(ring) = key {
        let rows = mart.rewrap_if_pending(ring)?;
        if rows > 0 {
            eprintln!("ingest: {rows} rows were brought under the newest pseudonym key first");
        }
    }
    let progress = Shown::new();
    let summary = ingest(mart, sources, &rules, &progress);
    progress.finish();
    summary
}

/// Fields with payloads that are named on the terminal; the summary has more.
const SHOWN_FIELDS: usize = 5;

/// Says what an ingest did.
pub fn print_summary(summary: &Summary) {
    if summary.inputs.is_empty() {
        eprintln!("ingest: no file was found in the sources; nothing to do");
        return;
    }
    eprintln!(
        "ingest: {} payloads seen = {} new + {} already known + {} rejected; {} observations from {} inputs",
        summary.payloads_seen,
        summary.payloads_new,
        summary.payloads_known,
        summary.payloads_rejected,
        summary.observations,
        summary.inputs.len(),
    );
    for (field, found) in summary.payload_fields.iter().filter(|(field, _)| *field != "body").take(SHOWN_FIELDS) {
        let FieldUse { payloads, example } = found;
        eprintln!(
            "ingest: {payloads} payloads were found in {field} (first in {example}); --body-field NAME chooses another"
        );
    }
    if summary.lines_passed_over > 0 {
        eprintln!("ingest: {} lines of logs hold no payload and were passed over", summary.lines_passed_over);
    }
    let resumed = summary.inputs.iter().filter(|input| input.resumed_at.is_some()).count();
    if resumed > 0 {
        eprintln!("ingest: {resumed} inputs had grown and were read from where they stopped");
    }
    if summary.payloads_erased > 0 {
        eprintln!("ingest: {} of the known payloads were erased and stay so", summary.payloads_erased);
    }
    if summary.pseudonym_key_id.is_none() && summary.payloads_new > 0 {
        eprintln!("ingest: no pseudonym key: users cannot be counted or joined (--key-file FILE)");
    }
    if summary.masked_references > 0 {
        eprintln!("ingest: {} job references looked personal and were masked", summary.masked_references);
    }
}
