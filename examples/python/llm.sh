# pip install llm
# Its settings lie in LLM_USER_PATH, or where `llm logs path` says.
set -eu
mkdir -p "${LLM_USER_PATH:=$HOME/.config/io.datasette.llm}"
export LLM_USER_PATH
cat > "$LLM_USER_PATH/extra-openai-models.yaml" <<END
- model_id: warmpath
  model_name: $WARMPATH_MODEL
  api_base: $WARMPATH_URL/v1
  api_key_name: warmpath
  supports_tools: true
  supports_schema: true
  vision: true
END
llm prompt --model warmpath --key "$WARMPATH_KEY" --no-log "Say hello" < /dev/null
