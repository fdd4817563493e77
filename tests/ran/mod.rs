//! What one run of a program printed.

use std::ffi::OsString;

pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of<S: Into<OsString>>(
        args: impl IntoIterator<Item = S>,
        run: impl FnOnce(Vec<OsString>, &mut Vec<u8>, &mut Vec<u8>) -> u8,
    ) -> Ran {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(args.into_iter().map(Into::into).collect(), &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { code, out: text(out), err: text(err) }
    }

    /// It must have failed: the one line it gave, without the program's name.
    pub(crate) fn refusal(&self, program: &str) -> String {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.err);
        let line = self.err.strip_prefix(&format!("{program}: ")).and_then(|rest| rest.strip_suffix('\n'));
        let line = line.expect("a line of the program's own").to_owned();
        assert!(!line.contains('\n'), "{line}");
        line
    }
}
