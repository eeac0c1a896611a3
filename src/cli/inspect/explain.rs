//! `kycmart inspect --explain`: what was found in each input, where and why, and how `kycmart.toml` would say it.
//!
//! Not here: what the payloads say. No value of any is printed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::cli::print::lines;
use crate::error::{Error, Result};
use crate::ingest::{Source, known_of_source};
use crate::provider;
use crate::source::{self, Beside, Input, InputSummary, Item, Looks};

/// What was found in one input.
#[derive(Default)]
struct Findings {
    /// Payloads by the field that held them; `None` for rows that are payloads.
    fields: BTreeMap<Option<String>, u64>,
    /// Payloads by provider and kind.
    kinds: BTreeMap<String, u64>,
    /// Broken rows by reason and detail.
    broken: BTreeMap<String, u64>,
    members: BTreeMap<String, u64>,
    received: u64,
    addressed: u64,
    with_headers: u64,
    with_request: u64,
    payloads: u64,
    beside: Vec<Beside>,
}

/// Explains inputs, one after the other. True where something in them could not be read.
pub fn run(inputs: &[Input], source: &Source) -> Result<bool> {
    let mut unreadable = false;
    for input in inputs {
        let mut found = Findings::default();
        let summary = source::read_chunks(input, &source.options, &mut |chunk| {
            if found.beside.is_empty() {
                found.beside = chunk.beside();
            }
            chunk.items().for_each(|item| found.add(item, source));
            ControlFlow::Continue(())
        })
        .map_err(|error| Error::failed(error.to_string()))?;
        unreadable |= !found.broken.is_empty();
        lines(|out| found.print(input, &summary, source, out))?;
    }
    Ok(unreadable)
}

fn count(map: &mut BTreeMap<String, u64>, key: String) {
    *map.entry(key).or_default() += 1;
}

impl Findings {
    fn add(&mut self, item: Item, source: &Source) {
        let (Item::Payload(source::Payload { ref member, .. }) | Item::Broken(source::Broken { ref member, .. })) =
            item;
        if let Some(member) = member {
            count(&mut self.members, member.to_string());
        }
        match item {
            Item::Broken(broken) => count(&mut self.broken, format!("{}: {}", broken.reason.word(), broken.detail)),
            Item::Payload(payload) => {
                let envelope = known_of_source(payload.envelope, source);
                let decoded = provider::decode(&payload.body, &envelope);
                self.payloads += 1;
                self.received += u64::from(envelope.received_at.is_some());
                self.addressed += u64::from(envelope.remote_ip.is_some());
                self.with_headers += u64::from(!envelope.headers.is_empty());
                self.with_request += u64::from(envelope.request != Default::default());
                *self.fields.entry(payload.field).or_default() += 1;
                match decoded.reject {
                    Some((reason, detail)) => count(&mut self.broken, format!("{}: {detail}", reason.word())),
                    None => {
                        let provider = decoded.provider.map_or("nobody", |provider| provider.word());
                        count(&mut self.kinds, format!("{provider} {}", decoded.kind.word()));
                    }
                }
            }
        }
    }

    fn print(&self, input: &Input, summary: &InputSummary, source: &Source, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", input.display)?;
        writeln!(out, "  format    {}, {} bytes, {} rows", summary.format, summary.bytes, summary.payloads)?;
        if summary.passed_over > 0 {
            writeln!(out, "  passed    {} lines without a payload", summary.passed_over)?;
        }
        if !self.members.is_empty() {
            let (first, rows) = self.members.iter().next().map_or(("", 0), |(name, rows)| (name.as_str(), *rows));
            writeln!(out, "  members   {}, the first {first} with {rows} rows", self.members.len())?;
        }
        for (field, payloads) in &self.fields {
            writeln!(out, "  payloads  {payloads} {}", where_found(field.as_deref(), source))?;
        }
        for (kind, payloads) in &self.kinds {
            writeln!(out, "  read as   {kind}: {payloads}")?;
        }
        for (reason, rows) in &self.broken {
            writeln!(out, "  not read  {rows} of {reason}")?;
        }
        self.print_beside(out)?;
        self.print_mapping(input, out)
    }

    fn print_beside(&self, out: &mut dyn Write) -> io::Result<()> {
        let parts = [
            ("a time of receipt", self.received),
            ("a sender's address", self.addressed),
            ("headers", self.with_headers),
            ("a request", self.with_request),
        ];
        let known: Vec<String> = parts.iter().map(|(name, n)| format!("{n} with {name}")).collect();
        writeln!(out, "  beside    of {} payloads: {}", self.payloads, known.join(", "))?;
        if self.is_enveloped() {
            let names: Vec<&str> = self.beside.iter().map(|field| field.name.as_str()).collect();
            writeln!(out, "  fields    {}", names.join(", "))?;
        }
        Ok(())
    }

    /// Whether the rows are more than the payloads.
    fn is_enveloped(&self) -> bool {
        self.fields.keys().any(Option::is_some) && !self.beside.is_empty()
    }

    /// The configuration that says what was found.
    fn print_mapping(&self, input: &Input, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "  kycmart.toml:")?;
        writeln!(out, "    [[sources]]\n    path = {}", toml::Value::from(input.display.as_str()))?;
        // With several, none is right for all; each is found without being named.
        let mut fields = self.fields.keys();
        let only = fields.next().filter(|_| fields.next().is_none()).and_then(Option::as_deref);
        if let Some(field) = only.filter(|field| is_name(field) && *field != "body") {
            writeln!(out, "    body_field = {}", toml::Value::from(field))?;
        }
        let parts = [
            ("received_at", Looks::Time, self.received),
            ("remote_ip", Looks::Address, self.addressed),
            ("headers", Looks::Headers, self.with_headers),
        ];
        let missing = parts.iter().filter(|(_, _, known)| *known == 0 && self.is_enveloped());
        let lines: Vec<String> = missing
            .filter_map(|(name, looks, _)| Some(format!("    {name} = {}", toml::Value::from(self.likely(*looks)?))))
            .collect();
        if !lines.is_empty() {
            writeln!(out, "    [envelope]\n{}", lines.join("\n"))?;
        }
        Ok(())
    }

    /// The field that most likely is what is looked for.
    fn likely(&self, looks: Looks) -> Option<&str> {
        const LIKELY: [&str; 4] = ["receiv", "creat", "insert", "time"];
        let fields: Vec<&str> = self.beside.iter().filter(|f| f.looks == looks).map(|f| f.name.as_str()).collect();
        let by_name =
            LIKELY.iter().find_map(|part| fields.iter().find(|name| name.to_ascii_lowercase().contains(part)));
        by_name.or(fields.first()).copied()
    }
}

/// Whether a field can be named in a configuration.
fn is_name(field: &str) -> bool {
    !field.contains(' ')
}

fn where_found(field: Option<&str>, source: &Source) -> String {
    match field {
        None => "are the rows themselves".to_owned(),
        Some(field) if source.options.body_field.as_deref() == Some(field) => {
            format!("in {field}, as --body-field says")
        }
        Some(field) => format!("in {field}, the first place where a payload was seen"),
    }
}
