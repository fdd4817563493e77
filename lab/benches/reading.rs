//! How fast are logs read?
//!
//! ```text
//! cargo bench -p tollgate-lab --bench reading             # a million lines of each format
//! cargo bench -p tollgate-lab --bench reading -- 10000000
//! ```
//!
//! Each log is written to the folder for temporary files, read once to warm the cache of the system, and then timed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use tollgate_lab::log::{Input, Options, read};

/// Writes a line of one format: its number, seconds, client.
type Line = fn(&mut dyn Write, u64, u64, u64) -> io::Result<()>;

const FORMATS: [(&str, &str, Line); 5] = [
    ("trace", "seconds,client\n", |out, _, at, client| writeln!(out, "{at}.25,{client}")),
    ("csv", "id,time,client,path\n", |out, id, at, client| writeln!(out, "{id},{at}.25,u-{client},/a/{id}")),
    ("combined", "", |out, id, at, client| {
        let (hour, minute, second) = (at / 3_600 % 24, at / 60 % 60, at % 60);
        writeln!(
            out,
            "192.0.2.{client} - - [01/May/2024:{hour:02}:{minute:02}:{second:02} +0000] \"GET /a/{id} HTTP/1.1\" 200 512 \
             \"https://example.com/\" \"Mozilla/5.0 (X11; Linux x86_64)\""
        )
    }),
    ("json", "", |out, id, at, client| {
        writeln!(
            out,
            "{{\"level\":\"info\",\"ts\":{at}.25,\"request\":{{\"remote_ip\":\"192.0.2.{client}\",\"method\":\"GET\",\
             \"uri\":\"/a/{id}\"}},\"status\":200,\"duration\":0.004}}"
        )
    }),
    (
        "cloudfront",
        "#Fields: date time x-edge-location c-ip cs-uri-stem sc-status\n",
        |out, id, at, client| {
            let (hour, minute, second) = (at / 3_600 % 24, at / 60 % 60, at % 60);
            writeln!(
                out,
                "2024-05-01\t{hour:02}:{minute:02}:{second:02}\tFRA2\t192.0.2.{client}\t/a/{id}\t200"
            )
        },
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    println!("{lines} lines                 s  ns/line    MB/s");
    for (name, header, line) in FORMATS {
        let path = std::env::temp_dir().join(format!("tollgate-lab-reading-{}.log", std::process::id()));
        let mut out = BufWriter::new(File::create(&path)?);
        out.write_all(header.as_bytes())?;
        for id in 0..lines {
            line(&mut out, id, 1_714_521_600 + id / (lines / 80_000 + 1), id % 199)?;
        }
        out.flush()?;
        timed(name, &path, lines)?;
        if name == "combined" {
            let packed = path.with_extension("gz");
            let mut encoder = GzEncoder::new(File::create(&packed)?, Compression::fast());
            io::copy(&mut File::open(&path)?, &mut encoder)?;
            encoder.finish()?;
            timed("combined.gz", &packed, lines)?;
            fs::remove_file(packed)?;
        }
        fs::remove_file(path)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures to show")]
fn timed(name: &str, path: &std::path::Path, lines: u64) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = fs::read(path)?.len();
    let start = Instant::now();
    let traffic = read(&[Input::named(path.into())], &Options::default())?;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(traffic.steps.len() as u64, lines);
    let (each, speed) = (seconds * 1e9 / lines as f64, bytes as f64 / 1e6 / seconds);
    println!("{name:20} {seconds:>9.2} {each:>8.0} {speed:>7.0}");
    Ok(())
}
