//! The key ring for pseudonyms: what makes them, its file, and how stored ones follow a rotation.
//!
//! A ring is one or more secrets, oldest first; a pseudonym is made with the first and wrapped with each later one. So a
//! pseudonym that was stored before a rotation becomes that of the new ring without the value it stands for. Not here: which
//! fields get pseudonyms (`normalise`), how stored rows are rewritten (`mart`), how key files are written (`cli`).

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::privacy::hex;

/// The first line of a key file that holds a ring. A file without it is one secret, as it stands.
const HEADER: &str = "# kycmart pseudonym keys, oldest first";
/// What every version of such a line begins with.
const HEADER_START: &str = "# kycmart pseudonym keys";
/// Begins a line with a secret that is no printable text.
const ENCODED: &str = "base64:";
const LEAST_BYTES: usize = 16;

/// Hexadecimal digits of a pseudonym.
const DIGITS: usize = 32;
/// Hexadecimal digits of a short pseudonym.
const SHORT_DIGITS: usize = 16;

/// The keys for pseudonyms, oldest first. They stay outside the mart; rows carry the id of the ring.
#[derive(Clone)]
pub struct PseudonymKey {
    /// Never empty.
    links: Vec<Link>,
}

/// One secret and the id of the ring that ends with it.
#[derive(Clone)]
struct Link {
    id: String,
    secret: Vec<u8>,
}

impl Link {
    /// HMAC-SHA-256 over field name and value, cut to some hexadecimal digits.
    fn digest(&self, field: &str, value: &str, digits: usize) -> String {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.secret) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(field.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        hex(&mac.finalize().into_bytes()[..digits / 2])
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PseudonymKey({})", self.id())
    }
}

impl PseudonymKey {
    /// A ring of one secret, which must be at least 16 bytes long.
    ///
    /// # Errors
    /// When it is shorter.
    pub fn new(secret: &[u8]) -> Result<Self> {
        PseudonymKey { links: Vec::new() }.and(secret)
    }

    /// This ring and one more secret.
    ///
    /// # Errors
    /// When the secret is shorter than 16 bytes or already in the ring.
    pub fn and(mut self, secret: &[u8]) -> Result<Self> {
        if secret.len() < LEAST_BYTES {
            return Err(Error::usage(format!("the pseudonym key is shorter than {LEAST_BYTES} bytes"))
                .hint("make one with: kycmart keys new pseudonym.key"));
        }
        if self.links.iter().any(|link| link.secret == secret) {
            return Err(Error::usage("a pseudonym key stands twice in its ring").hint("remove the later one"));
        }
        let hash = match self.links.last() {
            None => Sha256::new().chain_update(b"kycmart pseudonym key id\0"),
            Some(before) => Sha256::new()
                .chain_update(b"kycmart pseudonym key chain\0")
                .chain_update(before.id.as_bytes())
                .chain_update([0]),
        };
        let id = hex(&hash.chain_update(secret).finalize()[..4]);
        self.links.push(Link { id, secret: secret.to_vec() });
        Ok(self)
    }

    /// The ring of a key file's text: one secret, white space at its end not counting; or, below the line
    /// `# kycmart pseudonym keys, oldest first`, one secret per line between comments.
    ///
    /// # Errors
    /// When a secret is too short, stands twice or cannot be read.
    pub fn parse(text: &[u8]) -> Result<Self> {
        if !is_ring(text)? {
            return Self::new(text.trim_ascii_end());
        }
        let mut ring = PseudonymKey { links: Vec::new() };
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if !line.is_empty() && !line.starts_with(b"#") {
                let secret = decoded(line).map_err(|what| {
                    Error::usage(format!("line {} {what}", index + 1))
                        .hint("a line holds one secret without blanks, or a comment that begins with #")
                })?;
                ring = ring.and(&secret).map_err(|e| e.within(&format!("line {}", index + 1)))?;
            }
        }
        if ring.links.is_empty() {
            return Err(Error::usage("there is no pseudonym key in it")
                .hint("put the key back, or remove the file and run kycmart keys new"));
        }
        Ok(ring)
    }

    /// The ring of a key file.
    ///
    /// # Errors
    /// When the file cannot be read or its text is not that of a ring.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::usage(format!("there is no key file {}", path.display()))
                .hint(format!("make one with: kycmart keys new {}", path.display())),
            _ => Error::io("read the pseudonym key", path, &e),
        })?;
        Self::parse(&text).map_err(|e| e.within(&path.display().to_string()))
    }

    /// The id that rows carry: tells rings apart, reveals nothing.
    pub fn id(&self) -> &str {
        match self.links.last() {
            Some(link) => &link.id,
            None => unreachable!("a ring has a key"),
        }
    }

    /// The ring as it was after each key was added: the first key alone first, the whole ring last.
    pub fn prefixes(&self) -> Vec<Self> {
        (1..=self.links.len()).map(|count| PseudonymKey { links: self.links[..count].to_vec() }).collect()
    }

    /// The pseudonym of a value: 32 hexadecimal digits. Equal values of different fields have different pseudonyms.
    pub fn pseudonym(&self, field: &str, value: &str) -> String {
        wrapped(&self.links, field, value, DIGITS)
    }

    /// A pseudonym of 16 hexadecimal digits.
    pub fn short(&self, field: &str, value: &str) -> String {
        wrapped(&self.links, field, value, SHORT_DIGITS)
    }

    /// The pseudonym under the whole ring of what is stored under one of its [`prefixes`](Self::prefixes); `None` where the
    /// id is none of theirs.
    pub fn wrap(&self, from_id: &str, field: &str, stored: &str) -> Option<String> {
        Some(wrapped(self.after(from_id)?, field, stored, DIGITS))
    }

    /// The same for what [`short`](Self::short) made.
    pub fn wrap_short(&self, from_id: &str, field: &str, stored: &str) -> Option<String> {
        Some(wrapped(self.after(from_id)?, field, stored, SHORT_DIGITS))
    }

    /// What stands for a reference that looks personal: `masked:`, the id of the ring, and the pseudonym.
    pub fn mask(&self, value: &str) -> String {
        format!("masked:{}:{}", self.id(), self.pseudonym("job_id", value))
    }

    /// A masked reference under the whole ring; `None` for any other text and for one that needs no change.
    pub fn wrap_mask(&self, stored: &str) -> Option<String> {
        let (id, pseudonym) = stored.strip_prefix("masked:")?.split_once(':')?;
        let wrapped = self.wrap(id, "job_id", pseudonym).filter(|_| id != self.id())?;
        Some(format!("masked:{}:{wrapped}", self.id()))
    }

    /// The keys that were added after the ring had this id.
    fn after(&self, id: &str) -> Option<&[Link]> {
        let place = self.links.iter().position(|link| link.id == id)?;
        Some(&self.links[place + 1..])
    }
}

fn wrapped(links: &[Link], field: &str, value: &str, digits: usize) -> String {
    links.iter().fold(value.to_owned(), |value, link| link.digest(field, &value, digits))
}

/// The text of a key file with one more secret, noted with the day it was made: below what is there, which is first brought
/// into the form of a ring; without a text, the first.
///
/// # Errors
/// When the text is not that of a ring.
pub fn with_key(text: Option<&[u8]>, made: &str, secret: &[u8]) -> Result<Vec<u8>> {
    let mut lines = match text {
        None => HEADER.to_owned().into_bytes(),
        Some(text) if is_ring(text)? => text.trim_ascii_end().to_vec(),
        Some(text) => format!("{HEADER}\n{}", encoded(text.trim_ascii_end())).into_bytes(),
    };
    lines.extend_from_slice(format!("\n# made {made}\n{}\n", encoded(secret)).as_bytes());
    Ok(lines)
}

/// Whether a text has the form of a ring. One that was meant to have it must not pass for a single secret.
fn is_ring(text: &[u8]) -> Result<bool> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.trim_ascii_end() == HEADER.as_bytes() {
        return Ok(true);
    }
    if memmem::find(text, HEADER_START.as_bytes()).is_some() {
        return Err(Error::usage("the form of these pseudonym keys is not known")
            .hint(format!("the first line must be: {HEADER} (a newer kycmart may write another)")));
    }
    Ok(false)
}

/// A secret as a line: itself where that is printable, without blanks, and nothing else.
fn encoded(secret: &[u8]) -> String {
    match std::str::from_utf8(secret) {
        Ok(text) if is_plain(secret) && !text.starts_with('#') && !text.starts_with(ENCODED) => text.to_owned(),
        _ => format!("{ENCODED}{}", STANDARD.encode(secret)),
    }
}

fn decoded(line: &[u8]) -> std::result::Result<Vec<u8>, &'static str> {
    match line.strip_prefix(ENCODED.as_bytes()) {
        Some(text) => STANDARD.decode(text).map_err(|_| "is no base64"),
        None if is_plain(line) => Ok(line.to_vec()),
        None => Err("is no secret"),
    }
}

fn is_plain(secret: &[u8]) -> bool {
    secret.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const FIRST: &[u8] = b"0123456789abcdef";
    const SECOND: &[u8] = b"an invented second secret";

    fn ring(secrets: &[Vec<u8>]) -> PseudonymKey {
        let first = PseudonymKey::new(&secrets[0]).unwrap();
        secrets[1..].iter().fold(first, |ring, secret| ring.and(secret).unwrap())
    }

    /// One to four secrets that differ.
    fn secrets() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::hash_set(vec(any::<u8>(), 16..40), 1..=4).prop_map(|set| set.into_iter().collect())
    }

    #[test]
    fn a_pseudonym_depends_on_key_field_and_value() {
        let (a, b) = (PseudonymKey::new(FIRST).unwrap(), PseudonymKey::new(b"0123456789abcdeg").unwrap());
        assert_eq!(a.pseudonym("user_id", "u1"), a.pseudonym("user_id", "u1"));
        assert_ne!(a.pseudonym("user_id", "u1"), a.pseudonym("id_number", "u1"));
        assert_ne!(a.pseudonym("user_id", "u1"), b.pseudonym("user_id", "u1"));
        assert_ne!(a.id(), b.id());
        assert!(PseudonymKey::new(b"short").is_err());
    }

    /// The first three were computed before there were rings: a mart of then must go on. All were computed by other means.
    #[test]
    fn what_is_stored_in_marts_stays_true() {
        let one = PseudonymKey::new(FIRST).unwrap();
        assert_eq!(one.id(), "db3ba559");
        assert_eq!(one.pseudonym("user_id", "u-1"), "795a40097ef145b2959c6dd2915b3988");
        assert_eq!(one.short("text", "a withheld text"), "60dba6f5fdbae28a");
        let two = one.and(SECOND).unwrap();
        assert_eq!(two.id(), "a748bef7");
        assert_eq!(two.pseudonym("user_id", "u-1"), "806526625071f0e11b69462db1130e57");
        assert_eq!(two.short("text", "a withheld text"), "7a4b1756f705ffb2");
    }

    #[test]
    fn a_file_without_the_first_line_is_one_secret_as_it_stands() {
        for text in [&b"0123456789abcdef \r\n\n"[..], b"0123456789abcdef"] {
            assert_eq!(PseudonymKey::parse(text).unwrap().id(), "db3ba559");
        }
        let lines = PseudonymKey::parse(b"# a remark\n0123456789abcdef\n").unwrap();
        assert_eq!(lines.id(), PseudonymKey::new(b"# a remark\n0123456789abcdef").unwrap().id());
    }

    #[test]
    fn a_ring_file_has_comments_and_blank_lines() {
        let text = format!("{HEADER}\r\n# made long ago\r\n0123456789abcdef\r\n\r\n  an-invented-second-secret");
        let ring = PseudonymKey::parse(text.as_bytes()).unwrap();
        let ids: Vec<String> = ring.prefixes().iter().map(|prefix| prefix.id().to_owned()).collect();
        assert_eq!(ids[0], "db3ba559");
        assert_eq!((ids.len(), ids[1].as_str()), (2, ring.id()));
    }

    #[test]
    fn a_spoilt_file_is_refused_by_line_without_its_secrets() {
        let wrong = |text: &str| PseudonymKey::parse(text.as_bytes()).unwrap_err().to_string();
        let secret = "0123456789abcdef";
        for (text, says) in [
            (format!("{HEADER}\n# nothing\n"), "no pseudonym key"),
            (format!("{HEADER}\n{secret}\n0123\n"), "line 3: the pseudonym key is shorter"),
            (format!("{HEADER}\n{secret}\n{secret}\n"), "line 3: a pseudonym key stands twice"),
            (format!("{HEADER}\n{secret} two\n"), "line 2 is no secret"),
            (format!("{HEADER}\nbase64:{secret}!\n"), "line 2 is no base64"),
            (format!("# mine\n{HEADER}\n{secret}\n"), "the first line must be"),
            (format!("{HEADER}, version 2\n{secret}\n"), "the first line must be"),
        ] {
            let error = wrong(&text);
            assert!(error.contains(says) && !error.contains("0123"), "{error}");
        }
    }

    #[test]
    fn a_ring_shows_no_secret() {
        assert_eq!(format!("{:?}", PseudonymKey::new(FIRST).unwrap()), "PseudonymKey(db3ba559)");
    }

    #[test]
    fn a_mask_says_its_ring_and_follows_it() {
        let one = PseudonymKey::new(FIRST).unwrap();
        let two = one.clone().and(SECOND).unwrap();
        assert!(one.mask("u-1").starts_with("masked:db3ba559:"));
        assert_eq!(two.wrap_mask(&one.mask("u-1")), Some(two.mask("u-1")));
        for same in [two.mask("u-1").as_str(), "order-1", "masked:", "masked:00000000:795a40097ef145b2959c6dd2915b3988"]
        {
            assert_eq!(two.wrap_mask(same), None, "{same}");
        }
    }

    proptest! {
        #[test]
        fn a_stored_pseudonym_wraps_to_that_of_the_whole_ring(secrets in secrets(), field in "[a-z_]{1,9}", value in ".{0,40}") {
            let whole = ring(&secrets);
            for prefix in whole.prefixes() {
                let stored = prefix.pseudonym(&field, &value);
                prop_assert_eq!(whole.wrap(prefix.id(), &field, &stored), Some(whole.pseudonym(&field, &value)));
                let stored = prefix.short(&field, &value);
                prop_assert_eq!(whole.wrap_short(prefix.id(), &field, &stored), Some(whole.short(&field, &value)));
                prop_assert_eq!(stored.len(), 16);
            }
            prop_assert_eq!(whole.wrap("no id", &field, &value), None);
            prop_assert_eq!(whole.wrap_short("no id", &field, &value), None);
        }

        #[test]
        fn every_prefix_has_an_id_and_pseudonyms_of_its_own(secrets in secrets()) {
            let prefixes = ring(&secrets).prefixes();
            prop_assert_eq!(prefixes.len(), secrets.len());
            let ids: std::collections::HashSet<String> = prefixes.iter().map(|p| p.id().to_owned()).collect();
            let pseudonyms: std::collections::HashSet<String> = prefixes.iter().map(|p| p.pseudonym("f", "v")).collect();
            prop_assert_eq!((ids.len(), pseudonyms.len()), (secrets.len(), secrets.len()));
        }

        #[test]
        fn a_file_grows_key_by_key_whatever_its_secrets(secrets in secrets()) {
            let mut text = secrets[0].clone();
            prop_assume!(text.trim_ascii_end().len() >= LEAST_BYTES);
            let mut expected = PseudonymKey::new(text.trim_ascii_end()).unwrap();
            for secret in &secrets[1..] {
                text = with_key(Some(&text), "2026-10-15", secret).unwrap();
                expected = expected.and(secret).unwrap();
                let read = PseudonymKey::parse(&text).unwrap();
                prop_assert_eq!(read.id(), expected.id());
                prop_assert_eq!(read.pseudonym("f", "v"), expected.pseudonym("f", "v"));
            }
            let first = with_key(None, "2026-10-15", &secrets[0]).unwrap();
            let (read, made) = (PseudonymKey::parse(&first).unwrap(), PseudonymKey::new(&secrets[0]).unwrap());
            prop_assert_eq!(read.id(), made.id());
        }

        #[test]
        fn any_text_is_read_or_refused(text in vec(any::<u8>(), 0..200), ring: bool) {
            let text = if ring { [HEADER.as_bytes(), b"\n", &text[..]].concat() } else { text };
            let _ = PseudonymKey::parse(&text);
        }
    }
}
