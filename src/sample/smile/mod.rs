//! Smile ID: jobs, partners, signatures and the frame that all answers of the first API version share.
//!
//! Not here: what each product answers (`lookup`, `face`, `poll`, `v3`, `answer`).

mod answer;
mod face;
mod lookup;
mod poll;
mod v3;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::clock::{self, Authority};
use super::event::Event;
use super::fields::{Fields, string};
use super::people::{self, Person};
use super::world::{Scenario, World};

pub use answer::status_polls;

/// The API key with which the archive's Smile ID signatures are made.
pub const KEY: &str = "kycmart-sample-key";
/// The partner id of the production account.
pub const PARTNER: &str = "2442";
/// The partner id of the sandbox account; its leading zero is part of the signed message.
pub const SANDBOX_PARTNER: &str = "085";

/// Everything that happens at Smile ID.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { weight: 220, make: lookup::enhanced_kyc_sync },
    Scenario { weight: 120, make: lookup::enhanced_kyc_async },
    Scenario { weight: 100, make: lookup::basic_kyc },
    Scenario { weight: 30, make: lookup::business },
    Scenario { weight: 25, make: lookup::aml },
    Scenario { weight: 230, make: face::biometric_kyc },
    Scenario { weight: 110, make: face::document_verification },
    Scenario { weight: 50, make: face::enhanced_document_verification },
    Scenario { weight: 50, make: face::authentication },
    Scenario { weight: 35, make: face::registration },
    Scenario { weight: 25, make: face::smartselfie_v2 },
    Scenario { weight: 90, make: v3::check },
    Scenario { weight: 15, make: v3::anonymous },
    Scenario { weight: 8, make: v3::http_error },
    Scenario { weight: 35, make: answer::refusal },
    Scenario { weight: 12, make: answer::query_error },
    Scenario { weight: 25, make: answer::unfinished_upload },
    Scenario { weight: 8, make: answer::no_verdict },
    Scenario { weight: 5, make: answer::fragment },
    Scenario { weight: 12, make: answer::minimal_callback },
    Scenario { weight: 3, make: answer::unknown_code },
];

/// What a result says.
pub struct Verdict {
    pub code: &'static str,
    pub text: &'static str,
    /// The outcome by DESIGN 4.
    pub outcome: &'static str,
}

const fn verdict(code: &'static str, text: &'static str, outcome: &'static str) -> Verdict {
    Verdict { code, text, outcome }
}

/// How a store renames what it keeps.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    AsSent,
    Snake,
    Mongo,
}

/// One job of the first API version.
struct Job {
    at: i64,
    sandbox: bool,
    authority: &'static Authority,
    person: Person,
    smile_id: String,
    job_id: String,
    user_id: String,
    partner_params: String,
    style: Style,
}

impl Job {
    /// A new job of a new user.
    fn new(world: &mut World, job_type: u8) -> Self {
        let at = world.start();
        let sandbox = world.random.chance(40);
        let style = *world.random.weighted(&[(90, Style::AsSent), (6, Style::Snake), (4, Style::Mongo)]);
        let user_id = format!("user-{}", world.random.hex(16));
        let mut job = Job {
            at,
            sandbox,
            authority: clock::any_authority(&mut world.random),
            person: Person::invent(&mut world.random),
            smile_id: world.smile_job_id(sandbox),
            job_id: format!("job-{}", world.random.uuid()),
            user_id,
            partner_params: String::new(),
            style,
        };
        job.partner_params = job.new_partner_params(world, job_type);
        job
    }

    /// The same user's next try.
    fn retry(&self, world: &mut World, job_type: u8, at: i64) -> Self {
        world.jobs += 1;
        let mut job = Job {
            at,
            person: self.person.clone(),
            smile_id: world.smile_job_id(self.sandbox),
            job_id: format!("job-{}", world.random.uuid()),
            user_id: self.user_id.clone(),
            partner_params: String::new(),
            ..*self
        };
        job.partner_params = job.new_partner_params(world, job_type);
        job
    }

    fn partner(&self) -> &'static str {
        if self.sandbox { SANDBOX_PARTNER } else { PARTNER }
    }

    fn new_partner_params(&self, world: &mut World, job_type: u8) -> String {
        let random = &mut world.random;
        let fields = Fields::new().text("job_id", &self.job_id).text("user_id", &self.user_id);
        let number = job_type.to_string();
        let mut fields = match random.below(60) {
            0 => fields,
            1..=24 => fields.text("job_type", &number),
            _ => fields.raw("job_type", &number),
        };
        if random.chance(600) {
            fields = fields.text("channel", random.pick(&["agent", "app", "web"]));
        }
        if random.chance(300) {
            fields = fields.text("branch", random.pick(&["lagos-1", "lagos-2", "nairobi-1", "accra-1"]));
        }
        match random.below(50) {
            0 => fields.raw("attempt", "2").end(),
            1 => fields.raw("pilot", "true").end(),
            _ => fields.end(),
        }
    }

    /// An object whose keys are spelt as the job's store spells them.
    fn fields(&self) -> Fields {
        if self.style == Style::Snake { Fields::snake() } else { Fields::new() }
    }

    /// The link to the proof document, without a query.
    fn receipt(&self) -> String {
        let partner = self.partner().trim_start_matches('0');
        format!("https://portal.smileidentity.com/api/v3/{partner}/job_result_summary/{}/generate_pdf", self.smile_id)
    }

    /// The request context that the store keeps: always for sandbox jobs, else when `wanted`.
    fn context(&self, event: Event, path: &str, wanted: bool) -> Event {
        if !self.sandbox && !wanted {
            return event;
        }
        let (host, environment) = if self.sandbox { ("testapi", "sandbox") } else { ("api", "production") };
        let request = Fields::new()
            .text("url", &format!("https://{host}.smileidentity.com/v1/{path}"))
            .text("partner_id", self.partner())
            .text("environment", environment)
            .text("job_id", &self.job_id);
        event.request(request.end())
    }

    /// Finishes a callback: signature, receipt and what the store adds.
    fn callback(&self, world: &mut World, fields: Fields, at: i64, receipt: bool) -> String {
        let fields = sign(world, fields, self.partner(), at).0;
        let fields = if receipt {
            let query = if self.sandbox { "?environment=test" } else { "" };
            fields.text("KYCReceipt", &format!("{}{query}", self.receipt()))
        } else {
            fields
        };
        if self.style == Style::Mongo {
            return fields.raw("_id", &format!("{{\"$oid\":\"{}\"}}", world.random.hex(24))).raw("__v", "0").end();
        }
        fields.end()
    }

    /// The fields of a result up to the actions: what every product has.
    fn result(&self, verdict: &Verdict, source: &str, result_type: &str, actions: &str) -> Fields {
        let machine = if verdict.code.starts_with("12") { "false" } else { "true" };
        let is_final = if verdict.outcome == "review" { "false" } else { "true" };
        self.fields()
            .text("Source", source)
            .text("JSONVersion", "1.0.0")
            .text("SmileJobID", &self.smile_id)
            .raw("PartnerParams", &self.partner_params)
            .text("ResultType", result_type)
            .text("ResultCode", verdict.code)
            .text("ResultText", verdict.text)
            .text("IsFinalResult", is_final)
            .text("IsMachineResult", machine)
            .raw("Actions", actions)
    }

    /// The personal information that an authority returns, odd dates included.
    fn person_fields(&self, world: &mut World, fields: Fields, found: bool) -> Fields {
        let country = if world.random.chance(80) { self.authority.country_name } else { self.authority.country };
        let number = people::id_number(&mut world.random, self.authority);
        let fields = fields.text("Country", country).text("IDType", self.authority.id_type).text("IDNumber", &number);
        if !found {
            return fields;
        }
        let expiry = world.random.pick(&["Not Available", "NaN-NaN-NaN", "2031-05-30", "2029-11-02", "2033-01-17", ""]);
        let born = match world.random.below(40) {
            0 => "NaN-NaN-NaN",
            1 => "Not Available",
            2 => "1990-1-28",
            _ => self.person.born.as_str(),
        };
        let photo = world.photo();
        let previously = world.random.pick(&["false", "false", "\"false\"", "true", "\"true\""]);
        fields
            .text("FullName", &self.person.full_name())
            .text("DOB", born)
            .text("Gender", self.person.gender)
            .text("PhoneNumber", &self.person.phone)
            .text("Address", &self.person.address)
            .text("ExpirationDate", expiry)
            .raw("IDNumberPreviouslyRegistered", previously)
            .raw("FullData", world.random.pick(&["{}", "{}", "[]"]))
            .text("Photo", &photo)
    }
}

/// The time stamp and signature of an answer, in one of the forms that stores hold. Returns the query that a receipt
/// link carries, too.
fn sign(world: &mut World, fields: Fields, partner: &str, at: i64) -> (Fields, String) {
    let (json, timestamp) = spelling(world, at);
    let fields = fields.raw("timestamp", &json);
    let signature = hmac(partner, &timestamp);
    let query = format!("signature={signature}&timestamp={timestamp}");
    let number = partner.trim_start_matches('0');
    let hash: String = Sha256::digest(format!("{number}:{timestamp}")).iter().map(|b| format!("{b:02x}")).collect();
    let fields = match world.random.below(100) {
        0..=1 => fields.text("signature", &format!("{}|{hash}", BASE64.encode(world.random.bytes(128)))),
        2 => fields.text("sec_key", &format!("{}|{hash}", BASE64.encode(world.random.bytes(128)))),
        3..=4 => fields.text("signature", &hash),
        5 => fields.text("signature", &hash[1..]),
        6 => fields.text("signature", world.random.pick(&["...", "<signature>", "---"])),
        7..=9 => fields,
        _ => fields.text("signature", &signature),
    };
    (fields, query)
}

/// The signature of a partner and a time stamp (PROVIDERS 1.1, scheme A).
fn hmac(partner: &str, timestamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(timestamp.as_bytes());
    mac.update(partner.as_bytes());
    mac.update(b"sid_request");
    BASE64.encode(mac.finalize().into_bytes())
}

/// An instant as JSON and as the text that is signed, in one of the spellings that are seen.
fn spelling(world: &mut World, at: i64) -> (String, String) {
    let time = clock::utc(at);
    let text = match world.random.below(60) {
        0 => time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        1 => time.format("%Y-%m-%d %H:%M:%S +0000").to_string(),
        2 => time.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
        3 => time.format("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        4 => time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        5 => time.timestamp_millis().to_string(),
        6 => time.timestamp().to_string(),
        7 => {
            let number = time.timestamp_millis().to_string();
            return (number.clone(), number);
        }
        _ => clock::stamp(at),
    };
    (string(&text), text)
}

/// A confidence value in one of its forms; absent now and then.
fn confidence(world: &mut World, fields: Fields, high: bool) -> Fields {
    if !high {
        return fields.text("ConfidenceValue", world.random.pick(&["0", "12.5", "31.000000", "47"]));
    }
    match world.random.below(8) {
        0 => fields,
        1 => fields.raw("ConfidenceValue", "99"),
        2 => fields.raw("ConfidenceValue", "98.7"),
        _ => fields.text("ConfidenceValue", world.random.pick(&["100", "99", "97.000000", "100.000000", "99.99"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_cover_the_time_stamp_and_the_partner_as_written() {
        // Made with another implementation: openssl dgst -sha256 -hmac kycmart-sample-key -binary | base64.
        assert_eq!(hmac("085", "2026-10-05T10:00:00.000Z"), "7GW6EvoBi8cx1DPzZbhLcnSusmURKEP5J95JE9Wqf6A=");
        assert_ne!(hmac("85", "2026-10-05T10:00:00.000Z"), hmac("085", "2026-10-05T10:00:00.000Z"));
    }
}
