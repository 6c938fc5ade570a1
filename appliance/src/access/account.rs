//! People who may administer the box, or read its audit log.

use super::password::Hashed;
use super::second_factor::SecondFactor;
use plenum_protocol::manager::AdminRole;
use plenum_store::{Category, Field, Retention, Stored};
use serde::{Deserialize, Serialize};

pub const MAX_NAME_CHARS: usize = 64;
/// For whoever typed something else.
pub const NAME_RULE: &str = "a name has 3 to 64 letters, digits and .-_@+";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub role: AdminRole,
    pub password: Hashed,
    pub second_factor: SecondFactor,
    /// Its first code has been typed: nobody signs in without (AU2).
    pub confirmed: bool,
    /// Milliseconds since 1970.
    pub created: u64,
    pub last_sign_in: Option<u64>,
}

impl Account {
    /// Whether nothing has changed that a session depends on.
    pub fn opens_as(&self, other: &Account) -> bool {
        let of = |it: &Account| (it.role, it.password.clone(), it.created);
        of(self) == of(other) && self.second_factor.is_same_device(&other.second_factor)
    }
}

impl Stored for Account {
    /// The name, in lower case.
    type Key = String;
    const TREE: &'static str = "accounts";
    const CATEGORY: Category = Category::Account;
    const PURPOSE: &'static str = "lets administrators and auditors sign in";
    const RETENTION: Retention = Retention::UntilRemoved("an administrator who removes the account");
    const KEY: Field = Field::new("name", "name that the person signs in with");
    const FIELDS: &'static [Field] = &[
        Field::new("role", "administrator or auditor"),
        Field::new("password", "password as Argon2id").category(Category::Credential),
        Field::new("second_factor.secret", "secret of the one-time passwords").category(Category::Credential),
        Field::new("second_factor.used_step", "half minute of the last one that was used"),
        Field::new("second_factor.recovery", "SHA-256 of the recovery codes").category(Category::Credential),
        Field::new("confirmed", "whether a code of it has been typed"),
        Field::new("created", "when the account was made"),
        Field::new("last_sign_in", "when the person last signed in"),
    ];
}

/// A name as it is kept: trimmed and in lower case. `None` if it is not one.
pub fn name(typed: &str) -> Option<String> {
    let name = typed.trim().to_lowercase();
    let count = name.chars().count();
    let allowed = |char: char| char.is_alphanumeric() || ".-_@+".contains(char);
    ((3..=MAX_NAME_CHARS).contains(&count) && name.chars().all(allowed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_store::check_fields;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let mut fill = |bytes: &mut [u8]| bytes.fill(7);
        let (second_factor, _) = SecondFactor::new("box", "ada", &mut fill);
        let account = Account {
            role: AdminRole::Administrator,
            password: Hashed::of_nobody(),
            second_factor,
            confirmed: true,
            created: 1,
            last_sign_in: Some(2),
        };
        check_fields(&[account]).unwrap();
    }

    #[test]
    fn names() {
        assert_eq!(name(" Ada.Lovelace@Example.org ").as_deref(), Some("ada.lovelace@example.org"));
        assert_eq!(name("jörg").as_deref(), Some("jörg"));
        for wrong in ["", "ab", "a b c", "ada<script>", "ada\0x", &"x".repeat(65)] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }
}
