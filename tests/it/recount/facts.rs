//! The decoded records: every payload once, with the earliest time at which any delivery of it was received.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use kycmart::envelope::Envelope;
use kycmart::normalise::{Normaliser, Place, Rows};
use kycmart::provider::catalogue::Catalogue;
use kycmart::provider::{Decoded, decode};
use kycmart::pseudonym::PseudonymKey;
use kycmart::record::{
    AuthorityStatus, Check, Environment, Observation, Provider, Reject, SignatureClass, Submission, UnknownField,
};
use kycmart::source::{Input, Item, Options, find_inputs, read_input};
use rayon::prelude::*;

/// A file, a byte in it, the number of a row.
pub type Found = (String, i64, i64);

/// One payload, however often it was delivered.
pub struct Payload {
    pub key: String,
    pub provider: Option<Provider>,
    pub kind: &'static str,
    pub partner: Option<String>,
    pub environment: Option<Environment>,
    /// Places where it was found.
    pub deliveries: i64,
    /// Of several the one last in the alphabet.
    pub signature: SignatureClass,
    /// Microseconds since the epoch, the earliest over all deliveries.
    pub received: Option<i64>,
    pub observations: Vec<Observation>,
    pub checks: Vec<Check>,
    pub authority: Option<AuthorityStatus>,
    pub submission: Option<Submission>,
    pub reject: Option<Reject>,
    pub unknown_fields: Vec<UnknownField>,
    /// The first of the places where it was delivered: file, byte, row.
    pub place: Found,
}

/// What the archive holds.
pub struct Facts {
    pub payloads: Vec<Payload>,
    pub deliveries: usize,
}

/// Reads every file below a folder; a file with the same bytes as an earlier one adds nothing.
pub fn read(folder: &Path, key: &PseudonymKey) -> Facts {
    let inputs = find_inputs(&[folder.to_owned()]).expect("the sample's files");
    let files: Vec<(String, Vec<Rows>)> = inputs.par_iter().map(|input| read_file(input, key)).collect();
    let deliveries = files.iter().map(|(_, rows)| rows.len()).sum();
    let mut seen = HashSet::new();
    let rows = files.into_iter().filter(|(digest, _)| seen.insert(digest.clone())).flat_map(|(_, rows)| rows).collect();
    let mut payloads = once_each(rows);
    for payload in &mut payloads {
        // As the program names it, which is started in the folder above.
        let above = folder.parent().and_then(|above| Path::new(&payload.place.0).strip_prefix(above).ok());
        payload.place.0 = above.expect("a file below the folder").display().to_string();
    }
    Facts { payloads, deliveries }
}

fn read_file(input: &Input, key: &PseudonymKey) -> (String, Vec<Rows>) {
    let rules = Normaliser { catalogue: Catalogue::builtin(), key: Some(key), dimensions: &[], show_personal: false };
    let mut rows = Vec::new();
    let summary = read_input(input, &Options::default(), &mut |item| {
        rows.push(item_rows(&rules, input, &item));
        ControlFlow::Continue(())
    });
    (summary.expect("a readable file").digest, rows)
}

fn item_rows(rules: &Normaliser, input: &Input, item: &Item) -> Rows {
    let place = |offset, index, bytes| Place { source: input.display.clone(), member: None, offset, index, bytes };
    match item {
        Item::Payload(payload) => {
            let place = place(payload.offset, payload.index, payload.body.len() as u64);
            rules.rows(&payload.body, &payload.envelope, &place, decode(&payload.body, &payload.envelope))
        }
        Item::Broken(broken) => {
            let place = place(broken.offset, broken.index, broken.bytes);
            let rejected = Decoded::rejected(None, broken.reason, broken.detail.clone());
            rules.rows(&broken.digest, &Envelope::default(), &place, rejected)
        }
    }
}

fn once_each(rows: Vec<Rows>) -> Vec<Payload> {
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut payloads: Vec<Payload> = Vec::new();
    for rows in rows {
        let received = rows.receipt.received_at_us;
        let found_at = (rows.receipt.source, rows.receipt.source_offset, rows.receipt.source_index);
        if let Some(&index) = place.get(&rows.payload_key) {
            let known = &mut payloads[index];
            known.deliveries += 1;
            if rows.receipt.signature_class.word() > known.signature.word() {
                known.signature = rows.receipt.signature_class;
            }
            known.received = earliest(known.received, received);
            known.place = found_at.min(known.place.clone());
            if let (Some(known), Some(again)) = (&mut known.authority, &rows.authority) {
                known.checked_at_us = earliest(known.checked_at_us, again.checked_at_us);
            }
            continue;
        }
        place.insert(rows.payload_key.clone(), payloads.len());
        payloads.push(Payload {
            key: rows.payload_key,
            provider: rows.receipt.provider,
            kind: rows.receipt.kind.word(),
            partner: rows.receipt.partner,
            environment: rows.receipt.environment,
            deliveries: 1,
            signature: rows.receipt.signature_class,
            received,
            observations: rows.observations,
            checks: rows.checks,
            authority: rows.authority,
            submission: rows.submission,
            reject: rows.reject,
            unknown_fields: rows.unknown_fields,
            place: found_at,
        });
    }
    payloads
}

/// The smaller of two times, of which either may be missing.
pub fn earliest(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}
