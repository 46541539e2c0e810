"""Tokens as PyJWT makes them, good ones and forged ones: prints public keys, and each token with what it should get."""
import base64
import hashlib
import hmac
import json
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

keys = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
now = int(time.time())


def claims(**more):
    good = {"iss": "https://login.example.com", "aud": "warmpath", "sub": "u1", "tenant": "acme", "exp": now + 600}
    return {name: value for name, value in {**good, **more}.items() if value is not None}


def made(payload, alg="RS256", key=None, **head):
    return jwt.encode(payload, key or keys[alg], algorithm=alg, headers={"kid": alg, **head})


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_public_key():
    """PyJWT itself refuses to sign with a PEM as a secret: written by hand."""
    pem = keys["RS256"].public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{part({'alg': 'HS256', 'kid': 'RS256', 'typ': 'JWT'})}.{part(claims())}"
    mac = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


tokens = [
    ("RS256", made(claims()), 200),
    ("ES256", made(claims(), "ES256"), 200),
    ("EdDSA", made(claims(), "EdDSA"), 200),
    ("one of several audiences", made(claims(aud=["other", "warmpath"])), 200),
    ("issued and good since now", made(claims(iat=now, nbf=now)), 200),
    ("alg none", jwt.encode(claims(), None, algorithm="none"), 401),
    ("the public key as a secret", by_public_key(), 401),
    ("another key", made(claims(), key=stranger), 401),
    ("another key with its address", made(claims(), key=stranger, jku="https://evil.example.com/jwks"), 401),
    ("another key with its certificate", made(claims(), key=stranger, x5u="https://evil.example.com/c"), 401),
    ("a key id that is a path", made(claims(), key=stranger, kid="../../dev/null"), 401),
    ("a key id that is SQL", made(claims(), key=stranger, kid="x' OR '1'='1"), 401),
    ("over", made(claims(exp=now - 600)), 401),
    ("not yet good", made(claims(nbf=now + 600)), 401),
    ("never ends", made(claims(exp=None)), 401),
    ("another audience", made(claims(aud="other")), 401),
    ("no audience", made(claims(aud=None)), 401),
    ("audiences, ours not among them", made(claims(aud=["a", "b"])), 401),
    ("another issuer", made(claims(iss="https://evil.example.com")), 401),
    ("critical in what nobody knows", made(claims(), crit=["exp2"], exp2=1), 401),
    ("huge", made(claims(more="x" * 20000)), 401),
    ("a tenant that its issuer may not speak for", made(claims(tenant="other")), 403),
]
algorithms = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm, "EdDSA": jwt.algorithms.OKPAlgorithm}
jwks = [
    {**json.loads(algorithms[alg].to_jwk(key.public_key())), "kid": alg, "alg": alg} for alg, key in keys.items()
]
print(json.dumps({"keys": jwks, "tokens": tokens}))
