/** The part of the address of a novel that asks for its search box. */
export const searchHash = 'search'
