//! The example `reqwest_client` against the example `axum_server`, over real sockets and in real time.

#[allow(dead_code, reason = "nothing is refused here")]
mod ran;

#[allow(dead_code, reason = "its own load is not used")]
#[path = "../examples/axum_server/main.rs"]
mod axum_server;
#[path = "../examples/reqwest_client/main.rs"]
mod reqwest_client;

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{env, fs, process, thread};

use ran::Ran;

/// Hands on what is printed.
struct Printed(Sender<String>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The server with these plans, as long as the test runs; and its address.
fn serve(plans: &str) -> String {
    let file = env::temp_dir().join(format!("tollgate-both-examples-{}.txt", process::id()));
    fs::write(&file, plans).expect("a file for the plans");
    let (printed, lines): (_, Receiver<String>) = channel();
    let arguments = ["127.0.0.1:0".into(), file.into_os_string()];
    thread::spawn(move || {
        let mut errors = Printed(printed.clone());
        axum_server::run(arguments, &mut Printed(printed), &mut errors)
    });
    let mut text = String::new();
    while !text.ends_with('\n') {
        text += &lines.recv().expect("the address");
    }
    assert!(text.starts_with("http://127.0.0.1:"), "{text}");
    text.trim_end().into()
}

#[test]
fn the_client_draws_no_429_from_the_server() {
    // The server spaces its grants, too, so it grants less at once than the rule allows. The client asks for a third of that.
    let address = serve("plan anonymous 60/1s\n");
    let ran =
        Ran::of([address.as_str(), "60", "20/1s"], |args, out, err| reqwest_client::run(args, out, err));
    assert_eq!(ran.err, "", "{}", ran.out);
    let expected = format!("20 tasks, 60 calls to {address}, at most 20/1s\nserved: 60\nanswers 429: 0\n");
    if ran.code == 0 {
        assert!(ran.out.starts_with(&expected), "{}", ran.out);
    } else {
        // All calls were served in the end, and some not at once. That happens only if calls were late by 60 ms.
        assert!(ran.out.contains("\nserved: 60\n"), "{}", ran.out);
        let _ = writeln!(io::stderr(), "SKIPPED: this machine delayed calls by more than 60 ms: {}", ran.out);
    }
}
