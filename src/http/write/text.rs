//! Values of fields as bytes, each in memory of the exact size.

use alloc::vec::Vec;

use ::http::HeaderValue;

/// So many bytes are written on the stack first: more than most values have.
const SHORT: usize = 192;

/// The text of a value that is being written.
pub(super) struct Text {
    short: [u8; SHORT],
    len: usize,
    /// All of it, if it is longer.
    long: Vec<u8>,
}

impl Text {
    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        match self.short.get_mut(self.len..end) {
            Some(place) if self.long.is_empty() => {
                place.copy_from_slice(bytes);
                self.len = end;
            }
            _ => self.spill(bytes),
        }
    }

    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        if self.long.is_empty() {
            self.long.extend_from_slice(&self.short[..self.len]);
        }
        self.long.extend_from_slice(bytes);
    }

    fn written(&self) -> &[u8] {
        if self.long.is_empty() { &self.short[..self.len] } else { &self.long }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn number(&mut self, number: u64) {
        let (mut digits, mut start, mut rest) = ([b'0'; 20], 20, number);
        loop {
            start -= 1;
            digits[start] += (rest % 10).to_le_bytes()[0];
            rest /= 10;
            if rest == 0 {
                return self.bytes(&digits[start..]);
            }
        }
    }

    /// A Byte Sequence of RFC 9651: base64 with padding, between colons.
    pub(super) fn byte_sequence(&mut self, bytes: &[u8]) {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        self.text(":");
        for group in bytes.chunks(3) {
            let mut three = [0; 3];
            three[..group.len()].copy_from_slice(group);
            let [a, b, c] = three;
            let sixes = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
            let mut four = sixes.map(|six| ALPHABET[usize::from(six)]);
            four[group.len() + 1..].fill(b'=');
            self.bytes(&four);
        }
        self.text(":");
    }
}

/// The value that `write` writes. It is put together on the stack, so that it needs one allocation, of its own length.
#[inline]
pub(super) fn value(write: impl FnOnce(&mut Text)) -> HeaderValue {
    let mut text = Text { short: [0; SHORT], len: 0, long: Vec::new() };
    write(&mut text);
    // Only visible ASCII and spaces are ever written, so this cannot fail; an empty value is harmless in any field.
    HeaderValue::from_bytes(text.written()).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn written(write: impl FnOnce(&mut Text)) -> String {
        String::from(value(write).to_str().unwrap())
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 99, 100, 4_294_967_295, u64::MAX] {
            assert_eq!(written(|text| text.number(number)), alloc::format!("{number}"));
        }
    }

    #[test]
    fn of_any_length() {
        for length in [SHORT - 1, SHORT, SHORT + 1, 3 * SHORT] {
            let long = "x".repeat(length);
            assert_eq!(written(|text| text.text(&long)), long);
            let three = |text: &mut Text| {
                text.text("a");
                text.text(&long);
                text.number(12);
            };
            assert_eq!(written(three), alloc::format!("a{long}12"));
        }
        assert_eq!(written(|_| {}), "");
    }

    /// RFC 4648, section 10.
    #[test]
    fn byte_sequences() {
        let table = [
            ("", "::"),
            ("f", ":Zg==:"),
            ("fo", ":Zm8=:"),
            ("foo", ":Zm9v:"),
            ("foob", ":Zm9vYg==:"),
            ("fooba", ":Zm9vYmE=:"),
            ("foobar", ":Zm9vYmFy:"),
        ];
        for (bytes, text) in table {
            assert_eq!(written(|text| text.byte_sequence(bytes.as_bytes())), text);
        }
        assert_eq!(written(|text| text.byte_sequence(&[0xfb, 0xff, 0xbf])), ":+/+/:");
    }
}
