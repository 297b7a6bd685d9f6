import type { AuthorMessages } from './en.ts'

/** The messages for authors in Chinese. */
export const chinese: AuthorMessages = {
  MODEL_RATE_LIMITED: '模型暂时不再接受请求。恢复后任务会自动继续，您无需任何操作。',
  MODEL_UNAVAILABLE: '无法连接到模型。系统会自动重试；若仍不成功，请稍后再试或换用其他模型。',
  MODEL_STALLED: '模型写到一半没有了回应。系统会自动重试；若仍不成功，请换用其他模型。',
  MODEL_ANSWER_CUT: '模型尚未写完，连接就中断了。系统会自动重试。',
  MODEL_ANSWER_EMPTY:
    '模型没有给出任何内容。系统会自动重试；若仍不成功，请把要求写得更具体，或换用其他模型。',
  MODEL_ANSWER_MALFORMED: '模型的回答无法读取。系统会自动重试；若仍不成功，请换用其他模型。',
  MODEL_ANSWER_FILTERED:
    '模型服务商按其内容规则拦截了这段文字，您的小说没有任何改动。请换一种说法，或换用其他模型。',
  MODEL_ANSWER_REFUSED: '模型拒绝写这段内容，您的小说没有任何改动。请换一种说法，或换用其他模型。',
  MODEL_ANSWER_TRUNCATED:
    '文字超出了模型一次能写的长度，中途断掉，因此没有采用。请要求写得短一些，或换用能写更长文字的模型。',
  MODEL_CONTEXT_EXCEEDED: '文字太长，这个模型一次读不完。请缩短文字或拆分场景，或换用能读更长文字的模型。',
  MODEL_QUOTA_EXHAUSTED: '模型服务商处的账户额度已用完。请联系服务器管理员充值，然后重试。',
  MODEL_KEY_REJECTED: '模型服务商不接受本服务器的密钥。请联系服务器管理员处理，然后重试。',
  MODEL_UNKNOWN: '服务商没有这个模型，或本服务器无权使用它。请换用其他模型，或联系服务器管理员。',
  MODEL_REQUEST_REFUSED: '模型服务商没有接受这次请求。请换用其他模型，或联系服务器管理员。',
  MODEL_ADDRESS_FORBIDDEN: '本服务器不得访问该模型所在的地址。请换用其他模型，或联系服务器管理员。',
  PREDECESSOR_NOT_COMPLETED:
    '前面的部分没有完成，所以这一部分没有开始。请重试前面的部分，这一部分随后就会开始。',
  BUDGET_EXHAUSTED: '这项工作的预算已用完，已写好的内容都会保留。提高预算后，工作会从停下的地方继续。',
  PROVIDER_NOT_CONFIGURED:
    '这项功能需要语言模型，而这里还没有配置。请联系服务器管理员配置；没有模型时，系统不会编造内容来代替。',
  SCENE_EMPTY: '这个场景里还没有可以处理的内容。请先写一些正文，或写下要发生的事。',
  SELECTION_NOT_FOUND:
    '正文已经改动，您选中的文字已不在其中，或者出现不止一次。请重新选择；已写好的文字可以逐段采用。',
  SCENE_CHANGED: '处理期间这个场景被改动过，因此没有覆盖其中任何内容。请查看该场景，如仍需要，请重新开始。',
  CODEX_TOO_LARGE:
    '设定集中“始终告知”的条目太长，超过了可以交给模型的小说材料，因此没有写作。请缩短这些条目，或把其中一些改为场景提到时才告知。',
  FILE_KIND_UNSUPPORTED:
    '无法用这种文件导入小说。请另存为通用电子书、新版文字处理文档或纯文本，再选择新文件。',
  FILE_PROTECTED: '这个文件有密码或版权保护，无法读取其中的文字。如有可能，请保存一份未加保护的副本再导入。',
  FILE_DAMAGED:
    '这个文件已损坏，或没有完整复制。请重新复制或保存；如果用阅读器或文字处理软件能打开，请从那里另存为新文件。',
  FILE_LIMIT_EXCEEDED:
    '这个文件的内容超出了一次可以导入的范围，或结构异常。请重新保存、拆成几部分，或存为纯文本。',
  ENCODING_FIXED: '这个文件自带文字编码信息，不能另选编码。',
}
