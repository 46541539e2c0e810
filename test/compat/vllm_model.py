"""Writes the outline of a small llama, for `vllm serve --load-format dummy`: vllm_model.py FOLDER. Needs `tokenizers`."""

import json
import os
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SPECIAL = ["<unk>", "<s>", "</s>"]
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
letters = SPECIAL + sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE(vocab={text: index for index, text in enumerate(letters)}, merges=[], unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.save(os.path.join(folder, "tokenizer.json"))

shape = {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 4}
config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 512, "torch_dtype": "float32"}
heads = {"num_key_value_heads": 4, "head_dim": 64, "max_position_embeddings": 8192, "tie_word_embeddings": False}
names = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE}
ends = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
for name, value in [("config.json", {**config, **shape, **heads}), ("tokenizer_config.json", {**names, **ends})]:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file)
