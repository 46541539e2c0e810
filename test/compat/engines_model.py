"""Writes a small llama with random weights: engines_model.py FILE LAYERS WIDTH. Needs the packages gguf and numpy."""

import sys

import numpy
from gguf import GGUFWriter, TokenType

HEADS = 4
CONTEXT = 4096
VOCABULARY = 512
BYTES = 256


def vocabulary():
    yield b"<unk>", TokenType.UNKNOWN
    yield b"<s>", TokenType.CONTROL
    yield b"</s>", TokenType.CONTROL
    for byte in range(BYTES):
        yield f"<0x{byte:02X}>".encode(), TokenType.BYTE
    for index in range(VOCABULARY - BYTES - 3):
        letters = chr(97 + index % 26) + chr(97 + index // 26 % 26)
        yield f"\u2581{letters}".encode(), TokenType.NORMAL


def write(path, layers, width):
    random = numpy.random.default_rng(1)
    model = GGUFWriter(path, "llama")
    model.add_context_length(CONTEXT)
    model.add_embedding_length(width)
    model.add_block_count(layers)
    model.add_feed_forward_length(3 * width)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_rope_dimension_count(width // HEADS)
    model.add_vocab_size(VOCABULARY)
    tokens = list(vocabulary())
    model.add_tokenizer_model("llama")
    model.add_token_list([text for text, _ in tokens])
    model.add_token_scores([-float(index) for index in range(VOCABULARY)])
    model.add_token_types([kind for _, kind in tokens])
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    model.add_unk_token_id(0)
    model.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")

    def drawn(name, *shape):
        model.add_tensor(name, (random.standard_normal(shape) * 0.02).astype(numpy.float32))

    def ones(name):
        model.add_tensor(name, numpy.ones(width, dtype=numpy.float32))

    drawn("token_embd.weight", VOCABULARY, width)
    ones("output_norm.weight")
    drawn("output.weight", VOCABULARY, width)
    for layer in range(layers):
        block = f"blk.{layer}."
        ones(block + "attn_norm.weight")
        ones(block + "ffn_norm.weight")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            drawn(block + name + ".weight", width, width)
        drawn(block + "ffn_gate.weight", 3 * width, width)
        drawn(block + "ffn_up.weight", 3 * width, width)
        drawn(block + "ffn_down.weight", width, 3 * width)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
