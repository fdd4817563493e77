//! Who may call how often? A file says it.

use std::collections::HashMap;

use tollgate::{Plan, Policy};

/// The plans of the example, if no file is named.
pub(crate) const DEMO: &str = include_str!("plans.txt");

/// What the file says: lines `plan NAME POLICY` and `key KEY PLAN`. What follows a `#` is a comment.
#[derive(Debug)]
pub(crate) struct Plans {
    /// In the order of the file. The first is that of callers without a key.
    pub(crate) policies: Vec<Policy>,
    names: Vec<String>,
    /// The index of each key's plan.
    keys: HashMap<String, usize>,
}

impl Plans {
    pub(crate) fn parse(text: &str) -> Result<Plans, String> {
        let mut plans = Plans { policies: Vec::new(), names: Vec::new(), keys: HashMap::new() };
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if !line.is_empty() {
                plans.add(line).map_err(|error| format!("line {}: {error}", number + 1))?;
            }
        }
        if plans.policies.is_empty() {
            return Err("the file has no plan".into());
        }
        Ok(plans)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.splitn(3, char::is_whitespace);
        let kind = words.next().unwrap_or("");
        let rest = line[kind.len()..].trim_start();
        let (name, value) = rest.split_once(char::is_whitespace).ok_or("expected three words")?;
        let value = value.trim_start();
        match kind {
            "plan" if self.plan(name).is_some() => Err(format!("there are two plans {name:?}")),
            "plan" => {
                self.policies.push(value.parse().map_err(|error| format!("{error}"))?);
                self.names.push(name.into());
                Ok(())
            }
            "key" => {
                let plan =
                    self.plan(value).ok_or_else(|| format!("there is no plan {value:?} before this line"))?;
                match self.keys.insert(name.into(), plan) {
                    Some(_) => Err("this key was there before".into()), // without the key, which is a secret
                    None => Ok(()),
                }
            }
            _ => Err(format!("expected `plan` or `key`, not {kind:?}")),
        }
    }

    fn plan(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The policy that gives permits back fastest: a table of limits is built for it.
    pub(crate) fn fastest(&self) -> Result<Policy, tollgate::Error> {
        let mut fastest = Plan::new(self.policies[0])?;
        for policy in &self.policies[1..] {
            let plan = Plan::new(*policy)?;
            if plan.interval() < fastest.interval() {
                fastest = plan;
            }
        }
        Ok(*fastest.policy())
    }

    /// The index of a key's plan, if somebody has this key.
    pub(crate) fn of_key(&self, key: &str) -> Option<usize> {
        self.keys.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{DEMO, Plans};

    #[test]
    fn the_plans_of_the_example() {
        let plans = Plans::parse(DEMO).unwrap();
        assert_eq!(plans.names, ["anonymous", "free", "pro"]);
        assert_eq!((plans.of_key("demo-pro"), plans.of_key("invented")), (Some(2), None));
        assert_eq!(plans.fastest().unwrap(), plans.policies[2]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, error) in [
            ("", "the file has no plan"),
            ("# plan a 1/s", "the file has no plan"),
            ("plan a", "line 1: expected three words"),
            ("plan a 1/s\nplan a 2/s", "line 2: there are two plans \"a\""),
            ("plan a 1/s\nkey k b", "line 2: there is no plan \"b\" before this line"),
            ("plan a 1/s\nkey k a\nkey k a", "line 3: this key was there before"),
            ("limit a 1/s", "line 1: expected `plan` or `key`, not \"limit\""),
        ] {
            assert_eq!(Plans::parse(text).unwrap_err(), error, "{text:?}");
        }
        assert!(Plans::parse("plan a 0/s").unwrap_err().starts_with("line 1: "));
    }
}
