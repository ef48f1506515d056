//! The older encryption of PEM files (OpenSSL's `PEM_write_bio_RSAPrivateKey`): `DEK-Info` names
//! cipher and IV, and the key is MD5 over passphrase and salt (`EVP_BytesToKey`). It is weak,
//! but keys in use have it.

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use des::TdesEde3;
use md5::{Digest as _, Md5};
use secrecy::zeroize::Zeroizing;

use super::key_error::KeyError;
use crate::pem::Block;

/// The data of an encrypted block.
pub(super) fn decrypt(
    block: &Block<'_>,
    passphrase: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (cipher, iv) = block
        .header("DEK-Info")
        .and_then(|info| info.split_once(','))
        .ok_or_else(|| damaged("DEK-Info"))?;
    let iv = hex(iv.trim()).ok_or_else(|| damaged("DEK-Info"))?;
    match cipher.trim() {
        "AES-128-CBC" => open::<Decryptor<Aes128>>(block, passphrase, &iv, 16),
        "AES-192-CBC" => open::<Decryptor<Aes192>>(block, passphrase, &iv, 24),
        "AES-256-CBC" => open::<Decryptor<Aes256>>(block, passphrase, &iv, 32),
        "DES-EDE3-CBC" => open::<Decryptor<TdesEde3>>(block, passphrase, &iv, 24),
        other => Err(KeyError::Cipher(other.chars().take(40).collect())),
    }
}

fn open<D: BlockModeDecrypt + KeyIvInit>(
    block: &Block<'_>,
    passphrase: &[u8],
    iv: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let salt = iv.get(..8).ok_or_else(|| damaged("IV"))?;
    let key = derive(passphrase, salt, length);
    let cipher = D::new_from_slices(&key, iv).map_err(|_| damaged("IV"))?;
    cipher
        .decrypt_padded_vec::<Pkcs7>(&block.der)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::WrongPassphrase)
}

/// `EVP_BytesToKey` with MD5 and one round.
fn derive(passphrase: &[u8], salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    let mut last = Zeroizing::new(Vec::new());
    while key.len() < length {
        let hash = Md5::new()
            .chain_update(last.as_slice())
            .chain_update(passphrase)
            .chain_update(salt)
            .finalize();
        *last = hash.to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn damaged(what: &str) -> KeyError {
    KeyError::Damaged(what.to_owned())
}
