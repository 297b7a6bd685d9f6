/** Commands that set a model up, as docs/models.md has them. They are the same in every language. */
export const modelCommands = {
  /** A server with the OpenAI API on this machine, such as Ollama, llama.cpp, LM Studio or vLLM. */
  own: `export QUILLWORK_MODEL='qwen3:8b@http://127.0.0.1:11434/v1'
quillwork models test
quillwork serve`,
  /** A provider, with the variable that its own programs read. */
  provider: `export QUILLWORK_MODEL='openai:gpt-5-mini'
export OPENAI_API_KEY='…'
quillwork models test
quillwork serve`,
} as const
