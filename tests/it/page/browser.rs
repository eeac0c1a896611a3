//! Headless Chromium: pictures of a page, what it complained about, how wide it is on a phone.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A browser, or `None` with a line that says so. Where `KYCMART_TOOLS_REQUIRED` is 1, missing is a failure.
pub fn find(test: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("KYCMART_CHROMIUM") {
        return Some(PathBuf::from(path));
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let found = folders.iter().flat_map(|folder| names.map(|name| folder.join(name))).find(|path| path.is_file());
    if found.is_none() {
        let required = std::env::var("KYCMART_TOOLS_REQUIRED").is_ok_and(|value| value == "1");
        assert!(!required, "{test}: no Chromium on PATH");
        println!("{test}: skipped, no Chromium on PATH");
    }
    found
}

/// What the browser wrote: standard output and standard error.
pub fn run(browser: &Path, folder: &Path, page: &Path, arguments: &[&str]) -> (String, String) {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
        .args(["--disable-extensions", "--disable-background-networking", "--allow-file-access-from-files"])
        .args(["--enable-logging=stderr", &profile])
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A page of the test's own that shows another as a phone does and writes into itself how wide that one wants to be.
pub fn phone(folder: &Path, page: &Path, width: u32) -> PathBuf {
    let wrapper = folder.join(format!("phone-{width}.html"));
    let text = format!(
        "<!doctype html><meta charset=utf-8><style>body{{margin:0}}iframe{{border:0;display:block}}</style>\
         <iframe src=\"{}\" width={width} height=2400></iframe><p id=width></p><script>onload=()=>{{\
         const root=document.querySelector('iframe').contentDocument.documentElement;\
         document.querySelector('#width').textContent='needs '+root.scrollWidth+' px'}}</script>",
        page.file_name().unwrap().to_string_lossy()
    );
    std::fs::write(&wrapper, text).unwrap();
    wrapper
}

/// How many different lines a PNG has: one that is blank has one, or two.
pub fn lines_of(png: &Path) -> usize {
    let bytes = std::fs::read(png).expect("a picture");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (height, mut at, mut packed) = (number(20), 8, Vec::new());
    while at + 12 <= bytes.len() {
        let length = number(at);
        if &bytes[at + 4..at + 8] == b"IDAT" {
            packed.extend_from_slice(&bytes[at + 8..at + 8 + length]);
        }
        at += length + 12;
    }
    let mut pixels = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut pixels).expect("a PNG");
    pixels.chunks(pixels.len() / height).collect::<std::collections::BTreeSet<_>>().len()
}
