//! The pages of `--html` in a real browser: headless chromium, without a network.
//!
//! Each page is loaded once with its document written out, and once for a picture. The browser's log tells of every
//! request and of every message on the console. Where there is no browser the tests say so aloud; with `CI=true` they
//! fail instead.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Names that would do harm if they were taken for markup.
const HOSTILE: [&str; 4] = [
    "<script>document.title='taken'</script>",
    "<img src=http://192.0.2.1/x onerror=alert(1)>",
    "\"><style>body{display:none}</style>",
    "&lt;b&gt; ' \u{202e} \u{7}",
];

/// What the program prints; it must succeed.
fn ran<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tollgate_lab::run(args.into_iter().map(Into::into), &mut out, &mut err);
    assert_eq!((code, String::from_utf8_lossy(&err).as_ref()), (0, ""));
    String::from_utf8(out).expect("UTF-8")
}

/// The browser, or `None` where there is none and none is asked for.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file());
    if found.is_none() {
        let told = "no browser is on the PATH; apt-get install chromium brings one";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{told}");
        eprintln!("SKIPPED: {told}");
    }
    found
}

/// A folder of one test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// Loads `page` with some more options.
fn load(browser: &Path, folder: &Path, page: &Path, options: &[&str]) -> Output {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        // No name is ever resolved: a page that wanted something from elsewhere would fail, and say so.
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Every address that a page asked for, by the browser's own log of the network. What the browser asks for by itself,
/// whatever page it shows, has no origin; which addresses these are differs between versions.
fn requested(log: &Path) -> Vec<String> {
    let log: Value = serde_json::from_str(&fs::read_to_string(log).expect("a log")).expect("a whole log");
    let events = log["events"].as_array().expect("events").iter().map(|event| &event["params"]);
    let by_page =
        |event: &&Value| event["initiator"].as_str().is_some_and(|origin| origin != "not an origin");
    let urls = events.filter(by_page).filter_map(|event| event["url"].as_str());
    urls.filter(|url| url.starts_with("http") || url.starts_with("ws")).map(String::from).collect()
}

/// What became of a page in the browser.
struct Loaded {
    document: String,
    /// The messages on the console.
    console: Vec<String>,
    /// The addresses that the page asked for.
    elsewhere: Vec<String>,
}

fn loaded(browser: &Path, folder: &Path, page: &Path) -> Loaded {
    let log = folder.join("network.json");
    let output = load(browser, folder, page, &["--dump-dom", &format!("--log-net-log={}", log.display())]);
    let told = String::from_utf8_lossy(&output.stderr);
    Loaded {
        document: String::from_utf8(output.stdout).expect("UTF-8"),
        console: told.lines().filter(|line| line.contains("CONSOLE")).map(String::from).collect(),
        elsewhere: requested(&log),
    }
}

/// The document of a page, after the checks that every page must pass: it asks nobody for anything, the console stays
/// empty, and the picture is one, light and dark, wide and narrow.
fn document(browser: &Path, folder: &Path, page: &Path) -> String {
    let Loaded { document, console, elsewhere } = loaded(browser, folder, page);
    assert_eq!((console, elsewhere), (vec![], vec![]), "{}", page.display());
    let mut pictures = Vec::new();
    for (scheme, width) in [(1, 1100), (0, 1100), (1, 500)] {
        let picture = folder.join(format!("{scheme}-{width}.png"));
        let options = [
            format!("--screenshot={}", picture.display()),
            format!("--window-size={width},900"),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        ];
        load(browser, folder, page, &options.each_ref().map(String::as_str));
        let bytes = fs::read(&picture).expect("a picture");
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 10_000, "{} bytes", bytes.len());
        pictures.push(bytes);
    }
    assert_ne!(pictures[0], pictures[1], "dark is not light");
    document
}

/// The text that a person sees: the document without its head and its tags.
fn text(document: &str) -> String {
    let body = document.split_once("<body>").expect("a body").1;
    let mut text = String::new();
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => inside = true,
            '>' => (inside, text) = (false, text + " "),
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    text.replace("&nbsp;", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The page of these arguments, as the browser has it; `None` without a browser.
fn shown(name: &str, args: &[&str]) -> Option<String> {
    let browser = browser()?;
    let folder = folder(name);
    let page = folder.join("page.html");
    ran(args.iter().map(OsString::from).chain(["--html".into(), page.clone().into()]));
    Some(document(&browser, &folder, &page))
}

#[test]
fn a_comparison() {
    let args = ["compare", "bursty", "--events", "2000"];
    let Some(document) = shown("compare", &[&args[..], &["--policy", "50/1m", "--policy", "9/1s"]].concat())
    else {
        return;
    };
    let json: Value =
        serde_json::from_str(&ran([&args[..], &["--policy", "50/1m", "--format", "json"]].concat())).unwrap();
    let text = text(&document);
    let granted = &json["strategies"][0]["granted"];
    for said in [
        "This is the advice for the policy 50/1m.".into(),
        "This is the advice for the policy 9/1s.".into(),
        format!("Use sliding_log for the most grants ({granted})"),
        format!("{granted} ("),
        "In any 1m; the dotted line is the limit of 50.".into(),
        "Over time under 50/1m".into(),
    ] {
        assert!(text.contains(&said), "{said:?} is not in {text}");
    }
}

#[test]
fn a_recommendation() {
    let args = ["recommend", "bursty", "--events", "3000", "--per-client", "--refused-callers", "5%"];
    let Some(document) = shown("recommend", &args) else { return };
    let json: Value = serde_json::from_str(&ran([&args[..], &["--format", "json"]].concat())).unwrap();
    let text = text(&document);
    let policy = json["policy"].as_str().unwrap();
    assert!(text.contains(&format!("The policy {policy} is enough: it would have refused ")), "{text}");
    assert!(text.contains("at most 1% of calls") && text.contains("at most 5% of callers"), "{text}");
    assert!(text.contains("Who would be hit"), "{text}");
}

#[test]
fn advice_for_a_client() {
    let Some(document) = shown("client", &["recommend", "--server", "5/1s", "--events", "60"]) else {
        return;
    };
    let text = text(&document);
    assert!(
        text.contains("with a guard of 101 ms: no server that grants the rule ever refuses its calls"),
        "{text}"
    );
}

#[test]
fn a_matrix() {
    let Some(document) = shown("matrix", &["matrix", "--policy", "5/1s", "--events", "60"]) else { return };
    let text = text(&document);
    assert!(text.contains("no server that grants the rule ever refuses it, whatever the traffic"), "{text}");
    assert!(document.contains("class=\"good\"") && document.contains("class=\"bad\""));
}

#[test]
fn a_plan() {
    let Some(document) = shown("plan", &["plan", "50/1m, 1500/1h"]) else { return };
    let text = text(&document);
    for said in [
        "it grants 26 calls at once, and then one call per 2.44 s.",
        "It grants 98.33 % of the rate that the policy sustains",
        "CL.THROTTLE key 25 1474 3600",
    ] {
        assert!(text.contains(said), "{said:?} is not in {text}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let Some(browser) = browser() else { return };
    let folder = folder("hostile");
    let trace = folder.join("<svg onload=document.title='taken'>.csv");
    let mut log = String::from("seconds,client\n");
    for call in 0..60 {
        let name = HOSTILE[call % HOSTILE.len()].replace('"', "\"\"");
        log = format!("{log}{call},\"{name}\"\n");
    }
    fs::write(&trace, log).expect("a trace");
    for (command, more) in [
        ("recommend", ["--per-client", "--refused", "90%"]),
        ("compare", ["--per-client", "--policy", "3/1m"]),
    ] {
        let page = folder.join(format!("{command}.html"));
        let args = [command.into(), "--trace".into(), trace.clone().into_os_string()];
        let more = more.iter().flat_map(|more| more.split(' ')).map(OsString::from);
        ran(args.into_iter().chain(more).chain(["--html".into(), page.clone().into()]));
        let document = document(&browser, &folder, &page);
        assert!(!document.contains("<title>taken</title>"), "{document}");
        for tag in ["<script", "<img", "<svg onload", "onerror=alert(1)>"] {
            assert!(!document.contains(tag), "{tag} in {document}");
        }
        assert_eq!(document.matches("<style>").count(), 1);
        assert!(document.contains("&lt;svg onload=document.title='taken'&gt;.csv"), "{document}");
        if command == "recommend" {
            assert!(document.contains("&lt;script&gt;document.title='taken'&lt;/script&gt;"), "{document}");
        }
    }
}

#[test]
fn a_page_that_asks_and_complains_is_seen() {
    let Some(browser) = browser() else { return };
    let folder = folder("asks");
    let page = folder.join("page.html");
    let link = "<link rel=stylesheet href=https://fonts.googleapis.com/css>";
    let frame = "<iframe src=http://192.0.2.1/y></iframe>";
    let script = "<script>console.warn('careful'); fetch('https://192.0.2.1/z').catch(() => {})</script>";
    fs::write(&page, format!("{link}<img src=http://192.0.2.1/x>{frame}{script}")).expect("a page");
    let Loaded { console, elsewhere, .. } = loaded(&browser, &folder, &page);
    assert!(console.iter().any(|line| line.contains("careful")), "{console:?}");
    for url in [
        "https://fonts.googleapis.com/css",
        "http://192.0.2.1/x",
        "http://192.0.2.1/y",
        "https://192.0.2.1/z",
    ] {
        assert!(elsewhere.iter().any(|it| it == url), "{elsewhere:?}");
    }
}
